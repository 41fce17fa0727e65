"""The use cases that cogs are given."""

from dataclasses import dataclass

from bot.audio.worker_pool import WorkerPool
from bot.concurrency_limit import ConcurrencyLimiter
from bot.conversation.answering import Answering
from bot.guilds.access import AccessPolicy
from bot.guilds.auto_read import AutoRead
from bot.guilds.personas import Personas
from bot.guilds.quota_settings import QuotaSettings
from bot.guilds.settings import GuildSettings
from bot.history.deletion import DeletionService
from bot.history.guild_cleanup import GuildCleanup
from bot.history.history import History
from bot.history.privacy import MemberData
from bot.images.generation import ImageGenerator
from bot.inflight.recovery import Recovery
from bot.inflight.registry import InFlightRegistry
from bot.liveness import ProcessLock
from bot.model_catalog import ModelCatalog
from bot.quotas.usage import UsageReader
from bot.request_runner import RequestRunner
from bot.speech.answer_speech import AnswerSpeakers
from bot.speech.pronunciations import Pronunciations
from bot.speech.text_to_speech import TextToSpeech
from bot.speech.voice_settings import MemberVoices


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, built once by `bot.app`."""

    answering: Answering
    text_to_speech: TextToSpeech
    voice_settings: MemberVoices
    pronunciations: Pronunciations
    image_generator: ImageGenerator
    settings: GuildSettings
    personas: Personas
    auto_read: AutoRead
    access: AccessPolicy
    concurrency: ConcurrencyLimiter
    request_runner: RequestRunner
    catalog: ModelCatalog
    usage: UsageReader
    history: History
    member_data: MemberData
    deletions: DeletionService
    guild_cleanup: GuildCleanup
    quotas: QuotaSettings
    inflight: InFlightRegistry
    recovery: Recovery
    process_lock: ProcessLock
    audio_workers: WorkerPool
    answer_speakers: AnswerSpeakers
