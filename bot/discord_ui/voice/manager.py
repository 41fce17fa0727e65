"""The voice sessions of all guilds: one in each, and one join or leave at a time in each guild."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import discord

from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.discord_ui.voice.connection import (
    VocalChannel,
    VoiceConnectionFailed,
    error_for_close_code,
    open_voice_connection,
)
from bot.discord_ui.voice.join_checks import JoinLimit, check_connect_permissions
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import BotError, VoiceLost
from bot.messages import voice as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.tasks import BackgroundTasks, background_loop

JOIN_TIMEOUT_S: Final = 22.0
"""How long a join may take in all: waiting for other joins and leaves, Discord's gateway, and the connection. One that
takes longer is undone, so that it has ended within 30 s."""

LEAVE_TIMEOUT_S: Final = 15.0
"""How long leaving waits for other joins and leaves; then it takes a few seconds at most."""

WATCH_INTERVAL_S: Final = 1.0

logger = logging.getLogger(__name__)


class JoinFailed(BotError):
    """The bot could not join a voice channel."""

    def __init__(self, detail: str, channel: VocalChannel) -> None:
        super().__init__(detail, message=texts.not_joined(channel.mention))


class LeaveFailed(BotError):
    """The bot could not leave a voice channel, as it was still joining one."""

    message = texts.not_left()


class VoiceManager:
    """The bot's voice sessions.

    Args:
        alone_s: seconds without listeners after which the bot leaves.
        idle_s: seconds without speech after which the bot leaves.
    """

    def __init__(
        self, client: discord.Client, pool: WorkerPool, clock: Clock, *, alone_s: float, idle_s: float
    ) -> None:
        self._client = client
        self._pool = pool
        self._clock = clock
        self._alone_s = alone_s
        self._idle_s = idle_s
        self.sessions: dict[int, VoiceSession] = {}
        """The sessions, by guild."""
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._join_limit = JoinLimit(clock)
        self._tasks = BackgroundTasks()
        self._watch = AsyncExitStack()
        self._is_watching = False
        self._closed = False

    def get_session(self, guild_id: int | None) -> VoiceSession | None:
        """Return the session of a guild, if the bot is in a voice channel there."""
        return self.sessions.get(guild_id or 0)

    async def join(self, resolve_channel: Callable[[], VocalChannel], text_channel_id: int) -> VoiceSession:
        """Join a voice channel, or move to it with the queue; return the session.

        Args:
            resolve_channel: returns the channel, or raises a UserError where the bot may not be sent there. Called
                again once other joins and leaves have ended, which may have moved the bot.
            text_channel_id: the channel where it was called.

        Raises:
            UserError: by `resolve_channel`.
            MissingVoicePermission: the bot may not connect or speak there, or the channel is full.
            TooManyJoins: the bot has joined too often.
            JoinFailed, VoiceLost: it could not join in time, or was refused.
            VoiceNotInstalled: a library that voice needs is missing.
        """
        channel = resolve_channel()
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S), self._locks[channel.guild.id]:
                channel = resolve_channel()
                return await self._join(channel, text_channel_id)
        except VoiceConnectionFailed as error:
            raise error_for_close_code(error.close_code) or JoinFailed(str(error), channel) from error
        except (TimeoutError, discord.HTTPException) as error:
            raise JoinFailed(type(error).__name__, channel) from error

    async def leave(self, guild_id: int, check: Callable[[], object] = lambda: None) -> None:
        """Drop the queue of a guild, and leave its voice channel.

        Args:
            check: called once other joins and leaves have ended; raises a UserError where the bot is not to leave.

        Raises:
            UserError: by `check`.
            LeaveFailed: other joins and leaves took too long.
        """
        lock = self._locks[guild_id]
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await lock.acquire()
        except TimeoutError as error:
            raise LeaveFailed("not its turn in time") from error
        try:
            check()
            session = self.sessions.pop(guild_id, None)
            if session is not None:
                await self._leave_session(session)
        finally:
            lock.release()

    async def close(self) -> None:
        """Leave all voice channels, and join none any more."""
        self._closed = True
        await self._watch.aclose()
        await asyncio.gather(*(self.leave(guild_id) for guild_id in list(self.sessions)), return_exceptions=True)
        await self._tasks.close(0)

    def on_voice_state(self, member: discord.Member, after: discord.VoiceState) -> None:
        """Update the guild's session after the voice state of a member changed."""
        session = self.sessions.get(member.guild.id)
        if session is None:
            return
        if member.id == member.guild.me.id:
            if after.channel is None:
                return
            session.set_channel(after.channel)
            self._check_stage(session)
        if after.channel is not None and after.channel.id == session.channel.id:
            session.queue.recheck()  # the listeners may have changed

    def on_permissions_changed(self, guild_id: int) -> None:
        """Check again who may hear what is playing: channels, roles or overwrites of the guild changed."""
        session = self.sessions.get(guild_id)
        if session is not None:
            session.queue.recheck()
            self._check_stage(session)

    async def _join(self, channel: VocalChannel, text_channel_id: int) -> VoiceSession:
        session = self.sessions.get(channel.guild.id)
        if session is not None and session.channel.id == channel.id:
            session.text_channel_id = text_channel_id
            self._check_stage(session)
            return session
        check_connect_permissions(channel)
        self._join_limit.count(channel.guild)
        if session is not None:
            session.text_channel_id = text_channel_id
            await session.move(channel)
        else:
            session = await self._open_session(channel, text_channel_id)
        self._check_stage(session)
        logger.info("voice channel joined", extra={"guild": channel.guild.id, "channel": channel.id})
        return session

    async def _open_session(self, channel: VocalChannel, text_channel_id: int) -> VoiceSession:
        if self._closed:
            raise JoinFailed("closing", channel)
        connection = await open_voice_connection(channel)
        session = VoiceSession(
            connection, self._pool, self._clock, text_channel_id=text_channel_id, on_lost=self._on_session_lost
        )
        self.sessions[channel.guild.id] = session
        if not self._is_watching:
            self._is_watching = True
            watch = background_loop(self._leave_unused, WATCH_INTERVAL_S, self._clock, name="voice watch")
            await self._watch.enter_async_context(watch)
        return session

    def _on_session_lost(self, session: VoiceSession, error: VoiceLost) -> None:
        """Remove a session that ended by itself, and send the reason to where it was called."""
        if self.sessions.get(session.guild.id) is session:
            del self.sessions[session.guild.id]
        logger.info("voice session lost", extra={"guild": session.guild.id})
        self._tasks.start(self._notify(session, error.message))

    def _check_stage(self, session: VoiceSession) -> None:
        if _is_in_stage_audience(session.guild.me.voice):
            self._tasks.start(self._request_stage_speaker(session))

    async def _request_stage_speaker(self, session: VoiceSession) -> None:
        """Become a speaker on a stage, as the audience is not heard; where that is not allowed, say so once."""
        channel = session.channel
        if not _is_in_stage_audience(session.guild.me.voice):
            return
        if channel.permissions_for(session.guild.me).mute_members:
            try:
                await session.guild.me.edit(suppress=False)
            except discord.Forbidden:
                pass  # the permission was taken away just now
            except discord.HTTPException as error:
                logger.warning(
                    "stage speaker request failed",
                    extra={"channel": channel.id, "status": error.status, "discord_code": error.code},
                )
                return
            else:
                return
        notice = (channel.id, session.text_channel_id)
        if notice not in session.audience_notices:
            session.audience_notices.add(notice)
            await self._notify(session, texts.in_stage_audience(channel.mention))

    async def _notify(self, session: VoiceSession, sentence: Message) -> None:
        """Send a sentence to the channel where the bot was called."""
        try:
            await self._client.get_partial_messageable(session.text_channel_id).send(render(sentence), silent=True)
        except Exception as error:
            # discord.py lets the network's errors through, which have nothing in common with its own.
            extra = {"channel": session.text_channel_id, "error": type(error).__name__}
            if isinstance(error, discord.HTTPException):
                extra |= {"status": error.status, "discord_code": error.code}
            logger.warning("voice notice not sent", extra=extra)

    async def _leave_unused(self) -> None:
        """Leave the voice channels without listeners or speech."""
        for session in list(self.sessions.values()):
            try:
                await self._leave_if_unused(session)
            except LeaveFailed:
                logger.info("voice leave delayed", extra={"guild": session.guild.id})
            except Exception:
                # An error in one session must not keep the bot in the others.
                logger.exception("voice leave failed", extra={"guild": session.guild.id})

    async def _leave_if_unused(self, session: VoiceSession) -> None:
        if (reason := self._find_reason_to_leave(session)) is not None:
            logger.info("voice channel unused", extra={"guild": session.guild.id, "reason": reason})
            await self.leave(session.guild.id)

    def _find_reason_to_leave(self, session: VoiceSession) -> str | None:
        now = self._clock.monotonic()
        if session.listener_ids:
            session.alone_since = None
        elif session.alone_since is None:
            session.alone_since = now
        elif now - session.alone_since >= self._alone_s:
            return "alone"
        return "idle" if session.idle_s >= self._idle_s else None

    async def _leave_session(self, session: VoiceSession) -> None:
        await session.leave()
        logger.info("voice channel left", extra={"guild": session.guild.id})


def _is_in_stage_audience(voice: discord.VoiceState | None) -> bool:
    return voice is not None and voice.suppress and isinstance(voice.channel, discord.StageChannel)
