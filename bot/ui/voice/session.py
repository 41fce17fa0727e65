"""The bot's voice in one server, from joining to leaving, over as many connections as that takes."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import discord

from bot.audio.pool import Pool
from bot.clock import Clock
from bot.errors import VoiceLost
from bot.speech.line import Line
from bot.speech.speaker import Source
from bot.ui.voice.endings import GAVE_UP, final_word, refusal_of
from bot.ui.voice.link import TIMEOUT_S, Link, NoLink, VoiceNotInstalled, open_link
from bot.ui.voice.tape import Tape

VocalChannel = discord.VoiceChannel | discord.StageChannel

PAUSES_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0)
"""Seconds before each attempt at a new connection."""

GIVE_UP_AFTER_S: Final = 60.0

ENCRYPTED_WITHIN_S: Final = 2.0
"""How long the first packet waits for end-to-end encryption: listeners can't hear what is sent before it."""

LOOK_EVERY_S: Final = 0.05
ABSENT_WITHIN_S: Final = 2.0
"""How long Discord may take to confirm that the bot is out of the channel, before it goes in again."""

log = logging.getLogger(__name__)


class Session:
    """The bot in one voice channel, and the line of what it says there.

    Args:
        link: the connection to begin with.
        text_channel_id: where it was called, and is told if the voice is lost.
        lost: called with the reason when it ended by itself.
    """

    def __init__(
        self,
        link: Link,
        pool: Pool,
        clock: Clock,
        *,
        text_channel_id: int,
        lost: Callable[["Session", VoiceLost], None],
    ) -> None:
        self.line = Line(self, pool, clock)
        self.text_channel_id = text_channel_id
        self.alone_since: float | None = None
        """Since when, in monotonic seconds, nobody listens."""
        self.last_read: int | None = None
        """Whose message was read aloud last."""
        self.reading = asyncio.Lock()
        """Held while a message that is to be read aloud is put on the line."""
        self._link = link
        self._clock = clock
        self._lost = lost
        self._loss: VoiceLost | None = None
        self._connected = asyncio.Event()
        self._connected.set()
        self._absent = asyncio.Event()
        self._supervising = asyncio.create_task(self._supervise(), name="voice")

    @property
    def guild(self) -> discord.Guild:
        """The server."""
        return self._link.guild

    @property
    def channel(self) -> VocalChannel:
        """The channel it is in, also after a moderator moved it."""
        return self._link.channel

    @property
    def listeners(self) -> list[int]:
        """The ids of the people in the channel, bots left out."""
        return people_in(self.channel)

    async def speak(self, source: Source) -> None:
        """Play `source` to its end; see `bot.speech.speaker`.

        Raises:
            VoiceLost: the connection is gone for good.
        """
        tape = Tape(source)
        while not tape.ended:
            await self._connected.wait()
            if self._loss is not None:
                raise self._loss
            link = self._link
            await self._encrypted(link)
            if link.is_connected():
                await self._play(tape, link)
            if not tape.ended:
                # Broken off. While the bot is moved to another voice server it is not connected, and not gone either.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(link.ended.wait(), TIMEOUT_S)
                await asyncio.sleep(0)  # the supervisor, which waits for the same, goes first

    async def move(self, channel: VocalChannel) -> None:
        """Go to another channel of the server; what is being said goes on there.

        Raises:
            TimeoutError: Discord didn't let it in in time.
        """
        await self._link.move_to(channel, timeout=TIMEOUT_S)
        if self.channel.id != channel.id or not self._link.is_connected():
            raise TimeoutError("not moved")

    async def leave(self) -> None:
        """Drop the line and leave the channel."""
        self._supervising.cancel()
        await asyncio.wait({self._supervising})
        await self.line.close()
        await self._link.disconnect(force=True)

    def moved_out(self) -> None:
        """Take note that Discord says the bot is in no channel of this server."""
        self._absent.set()

    async def _play(self, tape: Tape, link: Link) -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        link.play(tape, after=lambda _: loop.call_soon_threadsafe(done.set))
        try:
            await done.wait()
        finally:
            link.stop()

    async def _encrypted(self, link: Link) -> None:
        """Wait a moment for the encryption that listeners need."""
        until = self._clock.monotonic() + ENCRYPTED_WITHIN_S
        while link.encrypted_soon and self.listeners and self._clock.monotonic() < until:
            await self._clock.sleep(LOOK_EVERY_S)

    async def _supervise(self) -> None:
        """Connect anew each time the connection is lost, until that is hopeless."""
        try:
            while True:
                await self._link.ended.wait()
                self._connected.clear()
                log.warning(
                    "voice connection lost",
                    extra={"guild": self.guild.id, "code": self._link.close_code, "removed": self._link.removed},
                )
                if (final := final_word(self._link)) is not None:
                    raise final
                self._link = await self._connect_anew()
                self._connected.set()
                log.info("voice connection made anew", extra={"guild": self.guild.id})
        except VoiceLost as loss:
            self._loss = loss
            self._connected.set()  # wakes who waits for it, to learn of the loss
            await self.line.close()
            self._lost(self, loss)

    async def _connect_anew(self) -> Link:
        """Make a new connection to the same channel.

        Raises:
            VoiceLost: there is none to be had.
        """
        channel = self.channel
        until = self._clock.monotonic() + GIVE_UP_AFTER_S
        with contextlib.suppress(TimeoutError):
            # A late word that the bot is out would be taken for a word about the new connection.
            await asyncio.wait_for(self._absent.wait(), ABSENT_WITHIN_S)
        for pause_s in PAUSES_S:
            if self._clock.monotonic() + pause_s >= until:
                break
            await self._clock.sleep(pause_s)
            self._absent.clear()
            try:
                return await open_link(channel)
            except VoiceNotInstalled as fault:
                raise VoiceLost(str(fault), sentence=fault.sentence) from fault
            except NoLink as failure:
                if (final := refusal_of(failure.close_code)) is not None:
                    raise final from failure
                log.warning("no new voice connection", extra={"guild": channel.guild.id, "detail": str(failure)})
        raise VoiceLost("not connected anew in time", sentence=GAVE_UP)


def people_in(channel: VocalChannel) -> list[int]:
    """Return the ids of the people in a voice channel, bots left out."""
    members, own_id = channel.guild.get_member, channel.guild.me.id
    present = [user_id for user_id in channel.voice_states if user_id != own_id]
    return [user_id for user_id in present if not ((member := members(user_id)) and member.bot)]
