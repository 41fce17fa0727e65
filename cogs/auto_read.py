"""Reads a text channel aloud in the bot's voice channel."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import discord
from cachetools import FIFOCache
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui import error_messages
from bot.discord_ui.context import author_of
from bot.discord_ui.voice.audience import VIEW, Audience, ListenersPermit, Origin
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import BotError, UserError
from bot.guilds.access import AccessPolicy
from bot.guilds.auto_read import AutoRead
from bot.guilds.settings import GuildSettings
from bot.messages.message import Message
from bot.model_catalog import ModelKind
from bot.request_runner import RequestRunner
from bot.speech.message_speech import speakable_message
from bot.speech.text_to_speech import TextToSay, TextToSpeech
from bot.speech.utterance import Label, Utterance
from bot.speech.voice_settings import MemberVoices
from bot.tasks import cancel_and_wait

REMEMBERED_MESSAGES: Final = 500
"""How many message ids are remembered, in case Discord delivers one twice."""

logger = logging.getLogger(__name__)


class AutoReadCog(commands.Cog):
    """Reads what members in the bot's voice channel write in the text channel that moderators chose."""

    def __init__(
        self,
        voice_manager: VoiceManager,
        audience: Audience,
        auto_read: AutoRead,
        access_policy: AccessPolicy,
        settings: GuildSettings,
        voice_settings: MemberVoices,
        text_to_speech: TextToSpeech,
        runner: RequestRunner,
    ) -> None:
        self._voice_manager = voice_manager
        self._audience = audience
        self._auto_read = auto_read
        self._access_policy = access_policy
        self._settings = settings
        self._voice_settings = voice_settings
        self._text_to_speech = text_to_speech
        self._runner = runner
        self._seen_message_ids: FIFOCache[int, None] = FIFOCache(REMEMBERED_MESSAGES)
        self._running: set[asyncio.Task[Any]] = set()  # Any: the events' tasks are discord.py's

    async def cog_unload(self) -> None:
        """Cancel what is being read, so that its reservations are released while the store is open."""
        await cancel_and_wait(*self._running)

    @commands.Cog.listener()
    async def on_voice_guild_message(self, message: discord.Message) -> None:
        """Read a message aloud if its channel is read and its author listens."""
        session = self._voice_manager.get_session(message.guild.id if message.guild else None)
        if session is None or message.id in self._seen_message_ids or not _is_by_listener(message, session):
            return
        self._seen_message_ids[message.id] = None
        task = asyncio.current_task()
        assert task is not None, "called within an event's task"
        self._running.add(task)
        try:
            async with MessageReading(message, session) as reading:
                if await self._auto_read.get(session.guild.id) == message.channel.id:
                    await self._read(message, session, reading)
        finally:
            self._running.discard(task)

    async def _read(self, message: discord.Message, session: VoiceSession, reading: "MessageReading") -> None:
        channel = session.guild.get_channel_or_thread(message.channel.id)
        if channel is None:
            return
        requester = author_of(message, channel)
        self._access_policy.check(requester.user_id, requester.guild_id)
        permit = self._permit(requester.user_id, session, channel.id)
        await permit.check()  # before anything is spent
        model = await self._settings.get_model(requester, ModelKind.SPEECH, None)
        voice = await self._voice_settings.get(requester)
        speaker = None if session.last_read_member_id == requester.user_id else requester.name
        names = _mention_names(message, known=lambda each: self._permit(requester.user_id, session, each).is_granted())
        to_speakable = partial(speakable_message, speaker=speaker, mentions=names)
        to_say = TextToSay(message.content, voice.name, model, to_speakable)
        enqueue = partial(reading.enqueue, speed=voice.speed, permit=permit)
        await self._runner.run(self._text_to_speech.read(requester, to_say, enqueue), reading)

    def _permit(self, member_id: int, session: VoiceSession, channel_id: int) -> ListenersPermit:
        """Return a permit for what a member writes in a channel, or for its name."""
        origin = Origin(channel_id, VIEW)
        return self._audience.permit(member_id, lambda: session.channel, origin)


class MessageReading:
    """Reads one message of a session: one at a time until it is in the queue, so that messages keep their order.

    As a responder it shows nothing: no one asked for it, and the message can be read in its channel.
    """

    def __init__(self, message: discord.Message, session: VoiceSession) -> None:
        self._message = message
        self._session = session
        self._turn = AsyncExitStack()
        self._utterance: Utterance | None = None

    async def __aenter__(self) -> Self:
        await self._turn.enter_async_context(self._session.read_lock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        await self._turn.aclose()
        if self._utterance is not None and self._utterance.refusal is not None:
            self._session.last_read_member_id = None  # the next speaker is named
        if isinstance(error, BotError):
            await self.show_error(error)
        return isinstance(error, BotError)

    async def enqueue(self, label: Label, *, speed: float, permit: ListenersPermit) -> Utterance:
        """Add the message to the session's queue; the next message may follow."""
        label = replace(label, shared_owner_id=self._message.channel.id)
        self._utterance = Utterance(label, speed=speed, permit=permit)
        self._session.queue.add(self._utterance)
        self._session.last_read_member_id = label.member_id
        await self._turn.aclose()
        return self._utterance

    async def acknowledge(self) -> None:
        """Do nothing."""

    async def show_status(self, status: Message) -> None:
        """Do nothing."""

    def working(self) -> AbstractAsyncContextManager[None]:
        """Do nothing."""
        return nullcontext()

    async def show_error(self, error: Exception) -> None:
        """Log why it is not read; the next speaker is named."""
        self._session.last_read_member_id = None
        if not isinstance(error, BotError):
            error_messages.log_and_format(error, message_id=self._message.id)
            return
        level = logging.INFO if isinstance(error, UserError) else logging.WARNING
        logger.log(level, "not read aloud", extra={"message_id": self._message.id, "detail": str(error)})


def _is_by_listener(message: discord.Message, session: VoiceSession) -> bool:
    """Return whether a listener in the voice channel wrote the message for others to hear."""
    if message.is_system() or message.flags.silent or not message.content:
        return False
    return message.author.id in session.listener_ids


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        AutoReadCog(
            bot.voice_manager,
            bot.audience,
            services.auto_read,
            services.access,
            services.settings,
            services.voice_settings,
            services.text_to_speech,
            services.request_runner,
        )
    )


def _mention_names(message: discord.Message, *, known: Callable[[int], bool]) -> dict[str, str]:
    """Return the names behind mentions (`<@42>`, `<@&42>`, `<#42>`); of channels only those that are `known` by id."""
    return {
        **{f"<@{each.id}>": each.display_name for each in message.mentions},
        **{f"<@&{each.id}>": each.name for each in message.role_mentions},
        **{f"<#{each.id}>": each.name for each in message.channel_mentions if known(each.id)},
    }
