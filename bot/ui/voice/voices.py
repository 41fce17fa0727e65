"""The bot's voice in all servers: one session each, and coming and going in each server one after another."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import discord

from bot.audio.pool import Pool
from bot.clock import Clock
from bot.errors import BotError, VoiceLost
from bot.ui.voice.endings import refusal_of
from bot.ui.voice.entrance import check_entrance
from bot.ui.voice.link import NoLink, open_link
from bot.ui.voice.session import Session, VocalChannel

TURN_WITHIN_S: Final = 15.0
"""How long coming waits for other coming and going: with the handshake's own time a join ends within 30 s."""

LOOK_EVERY_S: Final = 1.0

log = logging.getLogger(__name__)


class NotJoined(BotError):
    """The bot could not get into a voice channel."""

    def __init__(self, detail: str, channel: VocalChannel) -> None:
        super().__init__(detail, sentence=f"I couldn't get into {channel.mention}. Please try again in a moment.")


class Voices:
    """Where the bot is in voice channels.

    Args:
        alone_s: after so many seconds without anybody listening it leaves.
        idle_s: after so many seconds without anything to say it leaves.
    """

    def __init__(self, client: discord.Client, pool: Pool, clock: Clock, *, alone_s: float, idle_s: float) -> None:
        self._client = client
        self._pool = pool
        self._clock = clock
        self._alone_s = alone_s
        self._idle_s = idle_s
        self._sessions: dict[int, Session] = {}
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    def session(self, guild_id: int | None) -> Session | None:
        """Give the bot's voice in a server, if it is in a voice channel there."""
        return self._sessions.get(guild_id or 0)

    async def join(self, channel: VocalChannel, text_channel_id: int) -> Session:
        """Come into `channel`, from another one of its server too; what is being said goes on there.

        Args:
            text_channel_id: where it was called.

        Raises:
            NoEntry: it may not come in there, or not speak.
            NotJoined, VoiceLost: it didn't get in within 30 s, or was refused.
            VoiceNotInstalled: it can't speak at all.
        """
        try:
            async with self._turn(channel.guild.id):
                return await self._join(channel, text_channel_id)
        except NoLink as failure:
            raise refusal_of(failure.close_code) or NotJoined(str(failure), channel) from failure
        except (TimeoutError, discord.HTTPException) as error:
            raise NotJoined(type(error).__name__, channel) from error

    async def leave(self, guild_id: int) -> None:
        """Drop what is still to be said in a server, and leave its voice channel."""
        async with self._locks[guild_id]:
            session = self._sessions.pop(guild_id, None)
            if session is not None:
                await self._left(session)

    async def close(self) -> None:
        """Leave everywhere, for good."""
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        await asyncio.gather(*(self.leave(guild_id) for guild_id in list(self._sessions)))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def moved(self, member: discord.Member, after: discord.VoiceState) -> None:
        """Take note of a change in some voice channel."""
        session = self._sessions.get(member.guild.id)
        if session is None:
            return
        is_me = member.id == member.guild.me.id
        if is_me and after.channel is None:
            session.moved_out()
        elif is_me or (after.channel is not None and after.channel.id == session.channel.id):
            session.line.recheck()  # others listen now

    def rights_changed(self, guild_id: int) -> None:
        """Take note that who may see what in a server is not as it was."""
        session = self._sessions.get(guild_id)
        if session is not None:
            session.line.recheck()

    @asynccontextmanager
    async def _turn(self, guild_id: int) -> AsyncIterator[None]:
        """Wait for one's turn in a server; a handshake under way is never broken off, as it would leave half a client.

        Raises:
            TimeoutError: another one took too long.
        """
        lock = self._locks[guild_id]
        async with asyncio.timeout(TURN_WITHIN_S):
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

    async def _join(self, channel: VocalChannel, text_channel_id: int) -> Session:
        session = self._sessions.get(channel.guild.id)
        if session is not None and session.channel.id == channel.id:
            session.text_channel_id = text_channel_id
            return session
        check_entrance(channel)
        if session is not None:
            session.text_channel_id = text_channel_id
            await session.move(channel)
        else:
            session = await self._opened(channel, text_channel_id)
        await _come_forward(channel)
        log.info("in a voice channel", extra={"guild": channel.guild.id, "channel": channel.id})
        return session

    async def _opened(self, channel: VocalChannel, text_channel_id: int) -> Session:
        if self._closed:
            raise NotJoined("closing", channel)
        link = await open_link(channel)
        session = Session(link, self._pool, self._clock, text_channel_id=text_channel_id, lost=self._lose)
        self._sessions[channel.guild.id] = session
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="voice watch")
        return session

    def _lose(self, session: Session, loss: VoiceLost) -> None:
        """Forget a session that ended by itself, and tell where it was called."""
        if self._sessions.get(session.guild.id) is session:
            del self._sessions[session.guild.id]
        task = asyncio.create_task(self._tell(session, loss.sentence), name="voice lost")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, session: Session, sentence: str) -> None:
        log.info("voice lost", extra={"guild": session.guild.id})
        try:
            await self._client.get_partial_messageable(session.text_channel_id).send(sentence, silent=True)
        except discord.HTTPException as failure:
            log.warning(
                "nobody told of the lost voice",
                extra={"channel": session.text_channel_id, "status": failure.status, "discord_code": failure.code},
            )

    async def _watch(self) -> None:
        """Leave where nobody listens, or nothing is said."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            for session in list(self._sessions.values()):
                try:
                    await self._leave_where_not_needed(session)
                except Exception:
                    # Whatever is the matter with one session, the others are still looked after.
                    log.exception("voice channel not left", extra={"guild": session.guild.id})

    async def _leave_where_not_needed(self, session: Session) -> None:
        if (why := self._reason_to_leave(session)) is not None:
            log.info("leaving a voice channel", extra={"guild": session.guild.id, "why": why})
            await self.leave(session.guild.id)

    def _reason_to_leave(self, session: Session) -> str | None:
        now = self._clock.monotonic()
        if session.listeners:
            session.alone_since = None
        elif session.alone_since is None:
            session.alone_since = now
        elif now - session.alone_since >= self._alone_s:
            return "alone"
        return "idle" if session.line.idle_s >= self._idle_s else None

    async def _left(self, session: Session) -> None:
        await session.leave()
        log.info("left a voice channel", extra={"guild": session.guild.id})


async def _come_forward(channel: VocalChannel) -> None:
    """On a stage, come out of the audience, which can't be heard."""
    if isinstance(channel, discord.StageChannel):
        await channel.guild.me.edit(suppress=False)
