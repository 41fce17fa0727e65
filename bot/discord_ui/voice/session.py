"""The bot's voice in one server, from joining to leaving, over as many connections as that takes."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import discord

from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.discord_ui.voice.connection import (
    PacketSource,
    VocalChannel,
    VoiceConnection,
    VoiceConnectionFailed,
    VoiceNotInstalled,
    final_word,
    open_link,
    removed_from,
)
from bot.discord_ui.voice.handshake import TIMEOUT_S
from bot.errors import VoiceLost
from bot.messages import voice as texts
from bot.speech.voice_queue import VoiceQueue

PAUSES_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0)
"""Seconds before each attempt at a new connection."""

GIVE_UP_AFTER_S: Final = 60.0

ENCRYPTED_WITHIN_S: Final = 2.0
"""How long the first packet waits for end-to-end encryption: listeners can't hear what is sent before it."""

LOOK_EVERY_S: Final = 0.05

log = logging.getLogger(__name__)


class VoiceSession:
    """The bot in one voice channel, and the line of what it says there.

    Args:
        link: the connection to begin with.
        text_channel_id: where it was called, and is told if the voice is lost.
        lost: called with the reason when it ended by itself.
    """

    def __init__(
        self,
        link: VoiceConnection,
        pool: WorkerPool,
        clock: Clock,
        *,
        text_channel_id: int,
        lost: Callable[["VoiceSession", VoiceLost], None],
    ) -> None:
        self.line = VoiceQueue(self, pool, clock)
        self.text_channel_id = text_channel_id
        self.alone_since: float | None = None
        """Since when, in monotonic seconds, nobody listens."""
        self.last_read: int | None = None
        """Whose message was read aloud last."""
        self.reading = asyncio.Lock()
        """Held while a message that is to be read aloud is put on the line."""
        self.told_in_audience: set[tuple[int, int]] = set()
        """Of which stages it was said, in which text channels, that nobody hears the bot there."""
        self._link = link
        self._channel: VocalChannel = link.channel
        self._tape: PacketSource | None = None
        self._clock = clock
        self._lost = lost
        self._loss: VoiceLost | None = None
        self._connected = asyncio.Event()
        self._connected.set()
        self._supervising = asyncio.create_task(self._supervise(), name="voice")

    @property
    def guild(self) -> discord.Guild:
        """The server as it is known now: after a new session of the gateway discord.py makes it anew."""
        known_now = self._link.client.get_guild(self._channel.guild.id)
        # Of one that is not there yet nothing is known but its id.
        return self._channel.guild if known_now is None or known_now.unavailable else known_now

    @property
    def channel(self) -> VocalChannel:
        """The channel in which Discord says it is, also after a moderator moved it; or was, while it connects anew."""
        known_now = self.guild.get_channel(self._channel.id)
        return known_now if isinstance(known_now, VocalChannel) else self._channel

    @property
    def listeners(self) -> list[int]:
        """The ids of the people in the channel, bots left out."""
        return people_in(self.channel)

    @property
    def idle_s(self) -> float:
        """For how many seconds nothing was heard and nothing waits; of what should be heard, since its last packet."""
        return self.line.idle_s if self._tape is None else self._clock.monotonic() - self._tape.last_sent_at

    async def speak(self, source: OpusStream) -> None:
        """Play `source` to its end; see `bot.speech.utterance`.

        Raises:
            VoiceLost: the connection is gone for good.
        """
        tape = self._tape = PacketSource(source, self._clock)
        try:
            while not tape.ended:
                await self._connected.wait()
                if self._loss is not None:
                    raise self._loss
                link = self._link
                await self._encrypted(link)
                if link.is_connected():
                    await self._play(tape, link)
                if not tape.ended:
                    await self._ended(link)
        finally:
            self._tape = None

    async def move(self, channel: VocalChannel) -> None:
        """Go to another channel of the server; what is being said goes on there.

        Takes as long as it takes to connect there, so it is for the caller to limit.

        Raises:
            VoiceConnectionFailed: Discord couldn't be asked.
            TimeoutError: Discord doesn't let it in.
            VoiceLost: the connection is gone for good.
        """
        try:
            await self.guild.change_voice_state(channel=channel, self_deaf=True)
        except Exception as error:
            # The gateway's connection is gone just now; discord.py lets the network's errors through.
            raise VoiceConnectionFailed(type(error).__name__) from error
        until = self._clock.monotonic() + TIMEOUT_S
        # It moves as if somebody else had moved it: Discord names the voice server, and the supervisor connects there.
        while self.channel.id != channel.id or not self._link.is_connected():
            if self._loss is not None:
                raise self._loss
            if self.channel.id != channel.id and self._clock.monotonic() >= until:
                raise TimeoutError("not let in")
            await self._clock.sleep(LOOK_EVERY_S)

    async def leave(self) -> None:
        """Drop the line and leave the channel."""
        self._supervising.cancel()
        await asyncio.wait({self._supervising})
        await self.line.close()
        await self._link.disconnect(force=True)

    def moved_to(self, channel: VocalChannel) -> None:
        """Take note that Discord says the bot is in `channel`."""
        self._channel = channel

    async def _play(self, tape: PacketSource, link: VoiceConnection) -> None:
        """Play until the tape or the connection ends; end a connection over which nothing is sent any more."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        link.play(tape, after=lambda _: loop.call_soon_threadsafe(done.set))
        try:
            while not done.is_set():
                sent_at = tape.last_sent_at
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), TIMEOUT_S)
                if not done.is_set() and tape.last_sent_at == sent_at:
                    link.lose()
                    return
        finally:
            link.stop()

    async def _ended(self, link: VoiceConnection) -> None:
        """Wait for the end of a connection over which nothing can be sent; where it doesn't end by itself, end it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(link.ended.wait(), TIMEOUT_S)
        link.lose()
        await asyncio.sleep(0)  # the supervisor, which waits for the same, goes first

    async def _encrypted(self, link: VoiceConnection) -> None:
        """Wait a moment for the encryption that listeners need."""
        until = self._clock.monotonic() + ENCRYPTED_WITHIN_S
        while link.encrypted_soon and self.listeners and self._clock.monotonic() < until:
            await self._clock.sleep(LOOK_EVERY_S)

    async def _supervise(self) -> None:
        """Connect anew each time the connection is lost or moved, until that is hopeless."""
        try:
            while True:
                await self._link.ended.wait()
                self._connected.clear()
                self._log_end(self._link)
                if (final := final_word(self._link, self.channel)) is not None:
                    raise final
                self._link = await self._connect_anew(self._link)
                self._connected.set()
                log.info("voice connection made anew", extra={"guild": self.guild.id})
        except VoiceLost as loss:
            await self._give_up(loss)
        except Exception:
            # Without a supervisor nothing would ever be heard again, and nobody told.
            log.exception("voice connection not looked after", extra={"guild": self.guild.id})
            await self._give_up(VoiceLost("an error of ours", message=texts.connection_lost()))

    async def _give_up(self, loss: VoiceLost) -> None:
        self._loss = loss
        self._connected.set()  # wakes who waits for it, to learn of the loss
        await self.line.close()
        self._lost(self, loss)

    def _log_end(self, link: VoiceConnection) -> None:
        if link.reassigned is not None:
            log.info("voice connection moved", extra={"guild": self.guild.id})
        else:
            log.warning(
                "voice connection lost",
                extra={"guild": self.guild.id, "code": link.close_code, "removed": link.removed},
            )

    async def _connect_anew(self, lost: VoiceConnection) -> VoiceConnection:
        """Make a new connection to where Discord says the bot is, or was.

        Raises:
            VoiceLost: there is none to be had.
        """
        until = self._clock.monotonic() + GIVE_UP_AFTER_S
        assignment = lost.reassigned
        if assignment is None:
            await lost.closed()  # it leaves the channel first
        for pause_s in PAUSES_S:
            if self._clock.monotonic() + pause_s >= until:
                break
            await self._clock.sleep(pause_s)
            if self._taken_out(moved=assignment is not None):
                raise removed_from(self.channel)
            try:
                return await open_link(self.channel, assignment)
            except VoiceNotInstalled as fault:
                raise VoiceLost(str(fault), message=fault.message) from fault
            except VoiceConnectionFailed as failure:
                if (final := final_word(failure, self.channel)) is not None:
                    raise final from failure
                log.warning("no new voice connection", extra={"guild": self.guild.id, "detail": str(failure)})
            assignment = None
        raise VoiceLost("not connected anew in time", message=texts.connection_lost())

    def _taken_out(self, *, moved: bool) -> bool:
        """Whether there is nowhere to connect: no connection heard of it, as the old one had ended by then.

        Args:
            moved: whether the old connection ended for a move, with the bot still in the channel.
        """
        return self.guild.get_channel(self._channel.id) is None or (moved and self.guild.me.voice is None)


def people_in(channel: VocalChannel) -> list[int]:
    """Return the ids of the people in a voice channel, bots left out."""
    members, own_id = channel.guild.get_member, channel.guild.me.id
    present = [user_id for user_id in channel.voice_states if user_id != own_id]
    return [user_id for user_id in present if not ((member := members(user_id)) and member.bot)]
