"""Reads a text channel aloud in the bot's voice channel."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Final

import discord
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import author_of
from bot.discord_ui.voice.audience import VIEW, Audience, ListenersPermit, Origin
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import BotError, UserError
from bot.guilds.access import AccessPolicy
from bot.guilds.auto_read import AutoRead
from bot.guilds.settings import GuildSettings
from bot.model_catalog import ModelKind
from bot.speech.message_speech import speakable_message
from bot.speech.text_to_speech import TextToSpeech
from bot.speech.utterance import Utterance
from bot.speech.voice_settings import MemberVoices

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
    ) -> None:
        self._voice_manager = voice_manager
        self._audience = audience
        self._auto_read = auto_read
        self._access_policy = access_policy
        self._settings = settings
        self._voice_settings = voice_settings
        self._text_to_speech = text_to_speech
        self._seen_message_ids: deque[int] = deque(maxlen=REMEMBERED_MESSAGES)
        self._running: set[asyncio.Task[Any]] = set()  # Any: the events' tasks are discord.py's

    async def cog_unload(self) -> None:
        """Cancel what is being read, so that its reservations are released while the store is open."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @commands.Cog.listener()
    async def on_user_message(self, message: discord.Message) -> None:
        """Read a message aloud if its channel is read and its author listens."""
        session = self._voice_manager.get_session(message.guild.id if message.guild else None)
        if session is None or message.id in self._seen_message_ids or not _is_by_listener(message, session):
            return
        self._seen_message_ids.append(message.id)
        task = asyncio.current_task()
        assert task is not None, "called within an event's task"
        self._running.add(task)
        try:
            await self._read_in_turn(message, session)
        except BotError as error:
            session.last_read_member_id = None
            # Not requested, so no error is shown: the message can be read in its channel.
            level = logging.INFO if isinstance(error, UserError) else logging.WARNING
            logger.log(level, "not read aloud", extra={"message_id": message.id, "detail": str(error)})
        finally:
            self._running.discard(task)

    async def _read_in_turn(self, message: discord.Message, session: VoiceSession) -> None:
        """Read it if its channel is read; one at a time until it is in the queue, so that messages keep their order."""
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(session.read_lock)
            if await self._auto_read.get(session.guild.id) == message.channel.id:
                await self._read(message, session, turn)

    async def _read(self, message: discord.Message, session: VoiceSession, turn: AsyncExitStack) -> None:
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
        prepared = await self._text_to_speech.prepare(
            requester, message.content, voice.name, model, to_speakable=to_speakable
        )
        async with prepared.reservation:
            label = replace(prepared.label, shared_owner_id=message.channel.id)
            utterance = Utterance(label, speed=voice.speed, permit=permit)
            session.queue.add(utterance)
            session.last_read_member_id = requester.user_id
            await turn.aclose()
            await self._text_to_speech.speak_in_voice_channel(prepared, utterance)
            if utterance.refusal is not None:
                session.last_read_member_id = None  # the next speaker is named

    def _permit(self, member_id: int, session: VoiceSession, channel_id: int) -> ListenersPermit:
        """Return a permit for what a member writes in a channel, or for its name."""
        origin = Origin(channel_id, VIEW)
        return self._audience.permit(member_id, lambda: session.channel, origin)


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
        )
    )


def _mention_names(message: discord.Message, *, known: Callable[[int], bool]) -> dict[str, str]:
    """Return the names behind mentions (`<@42>`, `<@&42>`, `<#42>`); of channels only those that are `known` by id."""
    return {
        **{f"<@{each.id}>": each.display_name for each in message.mentions},
        **{f"<@&{each.id}>": each.name for each in message.role_mentions},
        **{f"<#{each.id}>": each.name for each in message.channel_mentions if known(each.id)},
    }
