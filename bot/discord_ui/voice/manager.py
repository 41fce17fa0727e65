"""The bot's voice in all servers: one session each, and coming and going in each server one after another."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final

import discord

from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.discord_ui.voice.connection import VocalChannel, VoiceConnectionFailed, open_link, refusal_of
from bot.discord_ui.voice.join_checks import JoinLimit, check_entrance
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import BotError, VoiceLost
from bot.messages import voice as texts
from bot.messages.message import Message
from bot.messages.render import render

JOIN_WITHIN_S: Final = 22.0
"""How long a join may take in all: its turn after other coming and going, Discord's gateway, and the connection. One
that takes longer is undone, so that it has ended within 30 s."""

LEAVE_WITHIN_S: Final = 15.0
"""How long leaving waits for other coming and going; then it takes a few seconds at most."""

LOOK_EVERY_S: Final = 1.0

log = logging.getLogger(__name__)


class NotJoined(BotError):
    """The bot could not get into a voice channel."""

    def __init__(self, detail: str, channel: VocalChannel) -> None:
        super().__init__(detail, message=texts.not_joined(channel.mention))


class NotLeft(BotError):
    """The bot could not leave a voice channel, as it was still coming into one."""

    message = texts.not_left()


class VoiceManager:
    """Where the bot is in voice channels.

    Args:
        alone_s: after so many seconds without anybody listening it leaves.
        idle_s: after so many seconds without anything to say it leaves.
    """

    def __init__(
        self, client: discord.Client, pool: WorkerPool, clock: Clock, *, alone_s: float, idle_s: float
    ) -> None:
        self._client = client
        self._pool = pool
        self._clock = clock
        self._alone_s = alone_s
        self._idle_s = idle_s
        self._sessions: dict[int, VoiceSession] = {}
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._comings = JoinLimit(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    def session(self, guild_id: int | None) -> VoiceSession | None:
        """Give the bot's voice in a server, if it is in a voice channel there."""
        return self._sessions.get(guild_id or 0)

    async def join(self, where: Callable[[], VocalChannel], text_channel_id: int) -> VoiceSession:
        """Come into a voice channel, from another one of its server too; what is being said goes on there.

        Args:
            where: tells which one, and raises a UserError where it may not be sent there. It is asked again once other
                coming and going has ended, which may have brought the bot to others.
            text_channel_id: where it was called.

        Raises:
            UserError: by `where`.
            NoEntry: it may not come in there, or not speak.
            TooOften: it has come and gone too often.
            NotJoined, VoiceLost: it didn't get in within 30 s, or was refused.
            VoiceNotInstalled: it can't speak at all.
        """
        channel = where()
        try:
            async with asyncio.timeout(JOIN_WITHIN_S), self._locks[channel.guild.id]:
                channel = where()
                return await self._join(channel, text_channel_id)
        except VoiceConnectionFailed as failure:
            raise refusal_of(failure.close_code) or NotJoined(str(failure), channel) from failure
        except (TimeoutError, discord.HTTPException) as error:
            raise NotJoined(type(error).__name__, channel) from error

    async def leave(self, guild_id: int, check: Callable[[], object] = lambda: None) -> None:
        """Drop what is still to be said in a server, and leave its voice channel.

        Args:
            check: asked once other coming and going has ended; raises a UserError where it is not to leave any more.

        Raises:
            UserError: by `check`.
            NotLeft: other coming and going took too long.
        """
        lock = self._locks[guild_id]
        try:
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await lock.acquire()
        except TimeoutError as error:
            raise NotLeft("not its turn in time") from error
        try:
            check()
            session = self._sessions.pop(guild_id, None)
            if session is not None:
                await self._left(session)
        finally:
            lock.release()

    async def close(self) -> None:
        """Leave everywhere, for good."""
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        await asyncio.gather(*(self.leave(guild_id) for guild_id in list(self._sessions)), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def moved(self, member: discord.Member, after: discord.VoiceState) -> None:
        """Take note of a change in some voice channel."""
        session = self._sessions.get(member.guild.id)
        if session is None:
            return
        if member.id == member.guild.me.id:
            if after.channel is None:
                return
            session.moved_to(after.channel)
            self._look_whether_heard(session)
        if after.channel is not None and after.channel.id == session.channel.id:
            session.line.recheck()  # others listen now

    def rights_changed(self, guild_id: int) -> None:
        """Take note that who may see what in a server is not as it was."""
        session = self._sessions.get(guild_id)
        if session is not None:
            session.line.recheck()
            self._look_whether_heard(session)

    async def _join(self, channel: VocalChannel, text_channel_id: int) -> VoiceSession:
        session = self._sessions.get(channel.guild.id)
        if session is not None and session.channel.id == channel.id:
            session.text_channel_id = text_channel_id
            self._look_whether_heard(session)
            return session
        check_entrance(channel)
        self._comings.count(channel.guild)
        if session is not None:
            session.text_channel_id = text_channel_id
            await session.move(channel)
        else:
            session = await self._opened(channel, text_channel_id)
        self._look_whether_heard(session)
        log.info("in a voice channel", extra={"guild": channel.guild.id, "channel": channel.id})
        return session

    async def _opened(self, channel: VocalChannel, text_channel_id: int) -> VoiceSession:
        if self._closed:
            raise NotJoined("closing", channel)
        link = await open_link(channel)
        session = VoiceSession(link, self._pool, self._clock, text_channel_id=text_channel_id, lost=self._lose)
        self._sessions[channel.guild.id] = session
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="voice watch")
        return session

    def _lose(self, session: VoiceSession, loss: VoiceLost) -> None:
        """Forget a session that ended by itself, and tell where it was called."""
        if self._sessions.get(session.guild.id) is session:
            del self._sessions[session.guild.id]
        log.info("voice lost", extra={"guild": session.guild.id})
        self._begin(self._tell(session, loss.message), name="voice lost")

    def _look_whether_heard(self, session: VoiceSession) -> None:
        if _in_audience(session.guild.me.voice):
            self._begin(self._come_forward(session), name="voice on a stage")

    def _begin(self, work: Coroutine[Any, Any, None], *, name: str) -> None:  # Any: what nobody sends to a coroutine
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _come_forward(self, session: VoiceSession) -> None:
        """On a stage, come out of the audience, which can't be heard; where that isn't allowed, say so once."""
        channel = session.channel
        if not _in_audience(session.guild.me.voice):
            return
        if channel.permissions_for(session.guild.me).mute_members:
            try:
                await session.guild.me.edit(suppress=False)
            except discord.Forbidden:
                pass  # the permission was taken away just now
            except discord.HTTPException as failure:
                log.warning(
                    "still in a stage's audience",
                    extra={"channel": channel.id, "status": failure.status, "discord_code": failure.code},
                )
                return
            else:
                return
        if (where := (channel.id, session.text_channel_id)) not in session.told_in_audience:
            session.told_in_audience.add(where)
            await self._tell(session, texts.in_stage_audience(channel.mention))

    async def _tell(self, session: VoiceSession, sentence: Message) -> None:
        """Say something where the bot was called."""
        try:
            await self._client.get_partial_messageable(session.text_channel_id).send(render(sentence), silent=True)
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common with its own.
            facts = {"channel": session.text_channel_id, "error": type(failure).__name__}
            if isinstance(failure, discord.HTTPException):
                facts |= {"status": failure.status, "discord_code": failure.code}
            log.warning("nobody told of the voice", extra=facts)

    async def _watch(self) -> None:
        """Leave where nobody listens, or nothing is said."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            for session in list(self._sessions.values()):
                try:
                    await self._leave_where_not_needed(session)
                except NotLeft:
                    log.info("voice channel not left yet", extra={"guild": session.guild.id})
                except Exception:
                    # Whatever is the matter with one session, the others are still looked after.
                    log.exception("voice channel not left", extra={"guild": session.guild.id})

    async def _leave_where_not_needed(self, session: VoiceSession) -> None:
        if (why := self._reason_to_leave(session)) is not None:
            log.info("leaving a voice channel", extra={"guild": session.guild.id, "why": why})
            await self.leave(session.guild.id)

    def _reason_to_leave(self, session: VoiceSession) -> str | None:
        now = self._clock.monotonic()
        if session.listeners:
            session.alone_since = None
        elif session.alone_since is None:
            session.alone_since = now
        elif now - session.alone_since >= self._alone_s:
            return "alone"
        return "idle" if session.idle_s >= self._idle_s else None

    async def _left(self, session: VoiceSession) -> None:
        await session.leave()
        log.info("left a voice channel", extra={"guild": session.guild.id})


def _in_audience(voice: discord.VoiceState | None) -> bool:
    return voice is not None and voice.suppress and isinstance(voice.channel, discord.StageChannel)
