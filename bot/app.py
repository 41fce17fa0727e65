"""The one place where everything is built and, in the opposite order, put away."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.api.client import ApiClient
from bot.api.transport import open_session
from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.concurrency_limit import ConcurrencyLimiter
from bot.conversation.answering import Answering
from bot.conversation.context_window import ContextWindow
from bot.errors import StartupError, StoreFull, StoreReadOnly, StoreUnavailable
from bot.guilds.access import AccessPolicy, AllowLists, MemberRateLimiter, Rate
from bot.guilds.auto_read import AutoRead
from bot.guilds.personas import Personas
from bot.guilds.quota_settings import QuotaSettings
from bot.guilds.settings import GuildSettings
from bot.history.deletion import DeletionService
from bot.history.guild_cleanup import GuildCleanup
from bot.history.history import History, TurnLookup
from bot.history.privacy import MemberData
from bot.history.retention import Retention
from bot.images.generation import ImageGenerator
from bot.images.saved_generations import SavedGenerations
from bot.inflight.recovery import Recovery
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.models.allowlist import ModelAllowlist, ModelKind, ModelKinds
from bot.models.catalog import ModelCatalog
from bot.quotas.ledger import Ledger
from bot.quotas.limits import OperatorLimits
from bot.quotas.pseudonyms import UsageKeys, key_from
from bot.quotas.usage import UsageReader
from bot.services import Services
from bot.settings import Settings
from bot.speech.answer_speech import AnswerSpeakers
from bot.speech.pronunciations import Pronunciations
from bot.speech.text_to_speech import TextToSpeech
from bot.speech.voice_settings import MemberVoices
from bot.store.conversations import Conversations
from bot.store.deferred_writes import DeferredWrites
from bot.store.image_generations import ImageGenerations
from bot.store.left_guilds import LeftGuilds
from bot.store.open import database_path, open_database
from bot.store.personal_data import PersonalData
from bot.store.personas import StoredPersonas
from bot.store.pronunciations import StoredPronunciations
from bot.store.quota_limits import QuotaLimits
from bot.store.settings import StoredSettings
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from bot.store.voice_settings import StoredVoices
from bot.workers.intake import Intake


@asynccontextmanager
async def open_services(settings: Settings, clock: Clock) -> AsyncIterator[Services]:
    """Build the services; leaving puts away what they hold.

    Raises:
        StartupError: the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.database_url))
        intake = await stack.enter_async_context(Intake())
        session = await stack.enter_async_context(open_session())
        api = ApiClient(
            session,
            base_url=settings.multiappai_base_url,
            key=settings.multiappai_api_key.get_secret_value(),
            speech_path=settings.multiappai_speech_path,
            clock=clock,
            intake=intake,
        )
        audio = stack.enter_context(WorkerPool())
        subjects = UsageKeys(key_from(settings.discord_token.get_secret_value()))
        ceilings = _ceilings(settings)
        process = secrets.token_hex(8)
        lifeline = stack.enter_context(holding(database_path(settings.database_url), process))
        ledger = Ledger(database, ceilings, subjects, clock, process=process, is_alive=lifeline.is_alive)
        roster = InFlightRegistry(database, clock, process=process, lifeline=lifeline, bury=ledger.free_dead)
        try:
            await stack.enter_async_context(ledger.running())
            await stack.enter_async_context(roster.running())
        except StoreUnavailable as error:
            raise StartupError(_cannot_write(error)) from error
        catalogue = ModelCatalog(api.models, _policy(settings), clock)
        await stack.enter_async_context(_kept_fresh(catalogue))
        lexicon = Pronunciations(StoredPronunciations(database), clock)
        gone = Tombstones(subjects.forgotten)
        late = DeferredWrites(clock)
        await stack.enter_async_context(late.running())
        removals, archive = TurnDeletion(database, gone, late), TurnReader(database, late)
        servers, deletions = GuildCleanup(LeftGuilds(database), clock), DeletionService(removals, clock)
        await stack.enter_async_context(deletions.running())
        retention = Retention(removals, servers, clock, days=settings.history_retention_days)
        await stack.enter_async_context(retention.running())
        presets = Personas(StoredPersonas(database), clock, intake.files)
        yield Services(
            answering=Answering(
                api,
                Conversations(database, gone, late),
                ledger,
                intake,
                clock,
                window=ContextWindow(settings.history_turns, settings.history_tokens),
            ),
            saying=TextToSpeech(api, ledger, lexicon, intake.sounds, clock),
            lexicon=lexicon,
            preferences=MemberVoices(StoredVoices(database), clock, default_voice=settings.default_speech_voice),
            drawing=ImageGenerator(api, ledger, intake.files, clock),
            sketchbook=SavedGenerations(ImageGenerations(database, gone, late), clock),
            rules=GuildSettings(StoredSettings(database), presets, catalogue, clock, persona=settings.default_persona),
            presets=presets,
            auto_read=AutoRead(StoredSettings(database), clock),
            admission=AccessPolicy(
                _doors(settings), MemberRateLimiter(settings.member_rate and Rate(*settings.member_rate), clock)
            ),
            lanes=ConcurrencyLimiter(clock, member=settings.member_running, channel=settings.channel_running),
            catalogue=catalogue,
            meter=UsageReader(database, ceilings, subjects, clock),
            history=History(archive, removals, clock),
            revisits=TurnLookup(archive, removals),
            own_data=MemberData(PersonalData(database), archive, removals, clock, days=settings.history_retention_days),
            deletions=deletions,
            servers=servers,
            quotas=QuotaSettings(QuotaLimits(database), ceilings, subjects, clock),
            roster=roster,
            recovery=Recovery(roster, clock),
            lifeline=lifeline,
            audio=audio,
            reciting=AnswerSpeakers(api, ledger, lexicon, intake.sounds),
        )


@asynccontextmanager
async def _kept_fresh(catalogue: ModelCatalog) -> AsyncIterator[None]:
    task = asyncio.create_task(catalogue.keep_fresh(), name="models")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _cannot_write(error: StoreUnavailable) -> str:
    """Say why the database cannot be written at the start."""
    match error:
        case StoreFull():
            return "The disk of the database is full; make room on it."
        case StoreReadOnly():
            return "The database may not be written; give it and its folder to the user that the bot runs as."
        case _:
            return f"The database can't be written just now ({error}). Is another program holding it?"


def _doors(settings: Settings) -> AllowLists:
    return AllowLists(
        allowed_guilds=frozenset(settings.allowed_guilds),
        allow_direct_messages=settings.allow_dms,
        blocked_users=frozenset(settings.blocked_users),
    )


def _policy(settings: Settings) -> ModelAllowlist:
    return ModelAllowlist(
        kinds=ModelKinds(chat=settings.chat_models, speech=settings.speech_models, image=settings.image_models),
        allowed=settings.allowed_models,
        defaults={
            ModelKind.CHAT: settings.default_chat_model,
            ModelKind.SPEECH: settings.default_speech_model,
            ModelKind.IMAGE: settings.default_image_model,
        },
    )


def _ceilings(settings: Settings) -> OperatorLimits:
    return OperatorLimits(
        member_messages=settings.quota_member_messages_per_day,
        member_speech_characters=settings.quota_member_speech_characters_per_day,
        member_images=settings.quota_member_images_per_day,
        server_messages=settings.quota_server_messages_per_day,
        server_tokens=settings.quota_server_tokens_per_day,
        server_speech_characters=settings.quota_server_speech_characters_per_day,
        server_images=settings.quota_server_images_per_day,
    )
