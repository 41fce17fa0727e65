"""Builds all services and, in the opposite order, closes them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.api.api_client import ApiClient
from bot.api.transport import open_session
from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.concurrency_limit import ConcurrencyLimiter
from bot.conversation.answering import Answering
from bot.conversation.question import ContextWindow
from bot.errors import StartupError, StoreFull, StoreReadOnly, StoreUnavailable
from bot.guilds.access import AccessPolicy, AllowLists, MemberRateLimiter, Rate
from bot.guilds.auto_read import AutoRead
from bot.guilds.personas import Personas
from bot.guilds.quota_settings import QuotaSettings
from bot.guilds.settings import GuildSettings
from bot.history.deletion import DeletionService
from bot.history.guild_cleanup import GuildCleanup
from bot.history.history import History
from bot.history.privacy import MemberData
from bot.history.retention import Retention
from bot.images.generation import ImageGenerator
from bot.inflight.recovery import Recovery
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.messages import database as texts
from bot.messages.message import Message
from bot.model_catalog import ModelAllowlist, ModelCatalog, ModelKind, ModelKinds
from bot.process_lease import ProcessLease, new_process_name
from bot.quotas.ledger import Ledger
from bot.quotas.resolver import OperatorLimits, UsageKeys, derive_key
from bot.quotas.usage import UsageReader
from bot.request_runner import RequestRunner
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
from bot.workers.pool import DecodingWorkers


@asynccontextmanager
async def open_services(settings: Settings, clock: Clock) -> AsyncIterator[Services]:
    """Yield the services; leaving the block closes what they hold.

    Raises:
        StartupError: the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.database_url))
        workers = await stack.enter_async_context(DecodingWorkers())
        session = await stack.enter_async_context(open_session())
        api = ApiClient(
            session,
            base_url=settings.multiappai_base_url,
            key=settings.multiappai_api_key.get_secret_value(),
            speech_path=settings.multiappai_speech_path,
            clock=clock,
            workers=workers,
        )
        audio_workers = stack.enter_context(WorkerPool())
        usage_keys = UsageKeys(derive_key(settings.discord_token.get_secret_value()))
        operator_limits = _operator_limits(settings)
        process_lock = stack.enter_context(holding(database_path(settings.database_url), new_process_name()))
        lease = ProcessLease(database, clock, process_lock)
        ledger = Ledger(database, operator_limits, usage_keys, clock, process=lease)
        inflight = InFlightRegistry(database, clock, lease=lease, free_reservations=ledger.free_dead)
        try:
            await stack.enter_async_context(lease.running(ledger, inflight, on_declared_dead=inflight.on_declared_dead))
        except StoreUnavailable as error:
            raise StartupError(_describe_write_failure(error, settings.database_url)) from error
        await stack.enter_async_context(ledger.running())
        await stack.enter_async_context(inflight.running())
        catalog = ModelCatalog(api.models.list_names, _model_allowlist(settings), clock)
        await stack.enter_async_context(catalog.running())
        pronunciations = Pronunciations(StoredPronunciations(database), clock)
        tombstones = Tombstones(usage_keys.erasure_key)
        deferred_writes = DeferredWrites(clock)
        await stack.enter_async_context(deferred_writes.retrying())
        turn_deletion = TurnDeletion(database, tombstones, deferred_writes)
        turn_reader = TurnReader(database, deferred_writes)
        guild_cleanup, deletions = GuildCleanup(LeftGuilds(database), clock), DeletionService(turn_deletion, clock)
        await stack.enter_async_context(deletions.running())
        retention = Retention(turn_deletion, guild_cleanup, clock, days=settings.history_retention_days)
        await stack.enter_async_context(retention.running())
        stored_settings = StoredSettings(database)
        personas = Personas(StoredPersonas(database), clock, workers.files)
        generations = ImageGenerations(database, tombstones, deferred_writes)
        limiter = ConcurrencyLimiter(clock, member=settings.member_running, channel=settings.channel_running)
        yield Services(
            answering=Answering(
                api.chat,
                Conversations(database, tombstones, deferred_writes),
                ledger,
                workers,
                clock,
                ContextWindow(settings.history_turns, settings.history_tokens),
            ),
            text_to_speech=TextToSpeech(api.speech, ledger, pronunciations, workers.audio, clock),
            pronunciations=pronunciations,
            voice_settings=MemberVoices(stored_settings, clock, default_voice=settings.default_speech_voice),
            image_generator=ImageGenerator(api.images, ledger, workers.files, clock, generations),
            settings=GuildSettings(stored_settings, personas, catalog, clock, persona=settings.default_persona),
            personas=personas,
            auto_read=AutoRead(stored_settings, clock),
            access=AccessPolicy(
                _allow_lists(settings), MemberRateLimiter(settings.member_rate and Rate(*settings.member_rate), clock)
            ),
            concurrency=limiter,
            request_runner=RequestRunner(limiter, clock),
            catalog=catalog,
            usage=UsageReader(database, operator_limits, usage_keys, clock),
            history=History(turn_reader, turn_deletion, clock),
            member_data=MemberData(
                PersonalData(database),
                turn_reader,
                turn_deletion,
                clock,
                retention_days=settings.history_retention_days,
            ),
            deletions=deletions,
            guild_cleanup=guild_cleanup,
            quotas=QuotaSettings(QuotaLimits(database), operator_limits, usage_keys, clock),
            inflight=inflight,
            recovery=Recovery(inflight, clock),
            process_lock=process_lock,
            audio_workers=audio_workers,
            answer_speakers=AnswerSpeakers(api.speech, ledger, pronunciations, workers.audio),
        )


def _describe_write_failure(error: StoreUnavailable, url: str) -> Message:
    """Return why the database cannot be written at the start."""
    path = str(database_path(url))
    match error:
        case StoreFull():
            return texts.disk_full(path)
        case StoreReadOnly():
            return texts.read_only(path, str(error))
        case _:
            return texts.busy(path, str(error))


def _allow_lists(settings: Settings) -> AllowLists:
    return AllowLists(
        allowed_guilds=frozenset(settings.allowed_guilds),
        allow_direct_messages=settings.allow_dms,
        blocked_users=frozenset(settings.blocked_users),
    )


def _model_allowlist(settings: Settings) -> ModelAllowlist:
    return ModelAllowlist(
        kinds=ModelKinds(chat=settings.chat_models, speech=settings.speech_models, image=settings.image_models),
        allowed=settings.allowed_models,
        defaults={
            ModelKind.CHAT: settings.default_chat_model,
            ModelKind.SPEECH: settings.default_speech_model,
            ModelKind.IMAGE: settings.default_image_model,
        },
    )


def _operator_limits(settings: Settings) -> OperatorLimits:
    return OperatorLimits(
        member_messages=settings.quota_member_messages_per_day,
        member_speech_characters=settings.quota_member_speech_characters_per_day,
        member_images=settings.quota_member_images_per_day,
        server_messages=settings.quota_server_messages_per_day,
        server_tokens=settings.quota_server_tokens_per_day,
        server_speech_characters=settings.quota_server_speech_characters_per_day,
        server_images=settings.quota_server_images_per_day,
    )
