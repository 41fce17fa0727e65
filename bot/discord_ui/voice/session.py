"""The bot's voice in one server, from joining to leaving, over as many connections as that takes."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import discord

from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock, backoff_s
from bot.discord_ui.voice.connection import (
    PacketSource,
    VocalChannel,
    VoiceConnection,
    VoiceConnectionFailed,
    VoiceNotInstalled,
    open_voice_connection,
    permanent_error,
    removal_error,
)
from bot.discord_ui.voice.handshake import HANDSHAKE_TIMEOUT_S
from bot.errors import VoiceLost
from bot.messages import voice as texts
from bot.speech.voice_queue import VoiceQueue
from bot.tasks import cancel_and_wait, sleep_unless

RECONNECT_PAUSES_S: Final = (0.0, *(backoff_s(failures, first_s=0.5, max_s=8.0) for failures in range(1, 11)))
"""Seconds before each attempt at a new connection."""

RECONNECT_TIMEOUT_S: Final = 60.0
"""How long reconnecting is tried."""

ENCRYPTION_TIMEOUT_S: Final = 2.0
"""How long the first packet waits for end-to-end encryption: listeners can't hear what is sent before it."""

POLL_INTERVAL_S: Final = 0.05

logger = logging.getLogger(__name__)


class VoiceSession:
    """The bot in one voice channel, and the queue of what it says there.

    Args:
        connection: the first connection.
        text_channel_id: the channel where it was called; it gets a message when the session is lost.
        on_lost: called with the reason when the session ends by itself.
    """

    def __init__(
        self,
        connection: VoiceConnection,
        pool: WorkerPool,
        clock: Clock,
        *,
        text_channel_id: int,
        on_lost: Callable[["VoiceSession", VoiceLost], None],
    ) -> None:
        self.queue = VoiceQueue(self, pool, clock)
        self.text_channel_id = text_channel_id
        self.alone_since: float | None = None
        """Since when, in monotonic seconds, there are no listeners."""
        self.last_read_member_id: int | None = None
        """The author of the message that was read aloud last."""
        self.read_lock = asyncio.Lock()
        """Held while a message that is read aloud is added to the queue, so that messages keep their order."""
        self.audience_notices: set[tuple[int, int]] = set()
        """The stages and text channels in which a notice said that the bot is in the audience."""
        self._connection = connection
        self._channel: VocalChannel = connection.channel
        self._source: PacketSource | None = None
        self._clock = clock
        self._on_lost = on_lost
        self._error: VoiceLost | None = None
        self._connected = asyncio.Event()
        self._connected.set()
        self._supervisor = asyncio.create_task(self._supervise(), name="voice")

    @property
    def guild(self) -> discord.Guild:
        """The guild as it is cached now: discord.py replaces it after a new gateway session."""
        known_now = self._connection.client.get_guild(self._channel.guild.id)
        # Of an unavailable guild only the id is known.
        return self._channel.guild if known_now is None or known_now.unavailable else known_now

    @property
    def channel(self) -> VocalChannel:
        """The channel that Discord says the bot is in, also after a move; while it reconnects, the last one."""
        known_now = self.guild.get_channel(self._channel.id)
        return known_now if isinstance(known_now, VocalChannel) else self._channel

    @property
    def listener_ids(self) -> list[int]:
        """The ids of the members in the channel, without bots."""
        return list_listener_ids(self.channel)

    @property
    def idle_s(self) -> float:
        """Seconds since the last packet was sent or, where nothing plays, since the queue became empty."""
        return self.queue.idle_s if self._source is None else self._clock.monotonic() - self._source.last_sent_at

    async def speak(self, source: OpusStream) -> None:
        """Play `source` to its end; see `bot.speech.utterance`.

        Raises:
            VoiceLost: the connection is lost for good.
        """
        packet_source = self._source = PacketSource(source, self._clock)
        try:
            while not packet_source.ended:
                await self._connected.wait()
                if self._error is not None:
                    raise self._error
                connection = self._connection
                await self._wait_for_encryption(connection)
                if connection.is_connected():
                    await self._play(packet_source, connection)
                if not packet_source.ended:
                    await self._wait_until_ended(connection)
        finally:
            self._source = None

    async def move(self, channel: VocalChannel) -> None:
        """Move to another channel of the guild; playback continues there.

        The caller limits how long it may take.

        Raises:
            VoiceConnectionFailed: Discord could not be asked.
            TimeoutError: Discord does not let the bot in.
            VoiceLost: the connection is lost for good.
        """
        try:
            await self.guild.change_voice_state(channel=channel, self_deaf=True)
        except Exception as error:
            # The gateway is not connected just now; discord.py lets the network's errors through.
            raise VoiceConnectionFailed(type(error).__name__) from error
        until = self._clock.monotonic() + HANDSHAKE_TIMEOUT_S
        # As in a move by a moderator: Discord assigns a voice server, and the supervisor connects to it.
        while self.channel.id != channel.id or not self._connection.is_connected():
            if self._error is not None:
                raise self._error
            if self.channel.id != channel.id and self._clock.monotonic() >= until:
                raise TimeoutError("not let in")
            await self._clock.sleep(POLL_INTERVAL_S)

    async def leave(self) -> None:
        """Drop the queue and leave the channel."""
        await cancel_and_wait(self._supervisor)
        await self.queue.close()
        await self._connection.disconnect(force=True)

    def set_channel(self, channel: VocalChannel) -> None:
        """Record that Discord says the bot is in `channel`."""
        self._channel = channel

    async def _play(self, packet_source: PacketSource, connection: VoiceConnection) -> None:
        """Play until the source or the connection ends; abort a connection that sends nothing any more."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        connection.play(packet_source, after=lambda _: loop.call_soon_threadsafe(done.set))
        try:
            while not done.is_set():
                sent_at = packet_source.last_sent_at
                ended = await sleep_unless(self._clock, done, HANDSHAKE_TIMEOUT_S)
                if not ended and packet_source.last_sent_at == sent_at:
                    connection.abort()
                    return
        finally:
            connection.stop()

    async def _wait_until_ended(self, connection: VoiceConnection) -> None:
        """Wait for the end of a connection that can send nothing; abort it where it does not end by itself."""
        await sleep_unless(self._clock, connection.ended, HANDSHAKE_TIMEOUT_S)
        connection.abort()
        await asyncio.sleep(0)  # the supervisor, which waits for the same, goes first

    async def _wait_for_encryption(self, connection: VoiceConnection) -> None:
        """Wait for the encryption that listeners need, for a bounded time."""
        until = self._clock.monotonic() + ENCRYPTION_TIMEOUT_S
        while connection.encryption_pending and self.listener_ids and self._clock.monotonic() < until:
            await self._clock.sleep(POLL_INTERVAL_S)

    async def _supervise(self) -> None:
        """Reconnect each time the connection is lost or moved, until an error is permanent."""
        try:
            while True:
                await self._connection.ended.wait()
                self._connected.clear()
                self._log_end(self._connection)
                if (permanent := permanent_error(self._connection, self.channel)) is not None:
                    raise permanent
                self._connection = await self._reconnect(self._connection)
                self._connected.set()
                logger.info("voice reconnected", extra={"guild": self.guild.id})
        except VoiceLost as error:
            await self._fail(error)
        except Exception:
            # Without a supervisor nothing would ever be heard again, and no one would know why.
            logger.exception("voice supervisor failed", extra={"guild": self.guild.id})
            await self._fail(VoiceLost("supervisor failed", message=texts.connection_lost()))

    async def _fail(self, error: VoiceLost) -> None:
        self._error = error
        self._connected.set()  # wakes `speak`, which raises the error
        await self.queue.close()
        self._on_lost(self, error)

    def _log_end(self, connection: VoiceConnection) -> None:
        if connection.reassigned is not None:
            logger.info("voice connection moved", extra={"guild": self.guild.id})
        else:
            logger.warning(
                "voice connection lost",
                extra={"guild": self.guild.id, "code": connection.close_code, "removed": connection.removed},
            )

    async def _reconnect(self, lost: VoiceConnection) -> VoiceConnection:
        """Return a new connection to the channel that Discord says the bot is in, or was in.

        Raises:
            VoiceLost: none could be opened.
        """
        until = self._clock.monotonic() + RECONNECT_TIMEOUT_S
        assignment = lost.reassigned
        if assignment is None:
            await lost.wait_closed()  # it leaves the channel first
        for pause_s in RECONNECT_PAUSES_S:
            if self._clock.monotonic() + pause_s >= until:
                break
            await self._clock.sleep(pause_s)
            if self._is_removed(moved=assignment is not None):
                raise removal_error(self.channel)
            try:
                return await open_voice_connection(self.channel, assignment)
            except VoiceNotInstalled as error:
                raise VoiceLost(str(error), message=error.message) from error
            except VoiceConnectionFailed as error:
                if (permanent := permanent_error(error, self.channel)) is not None:
                    raise permanent from error
                logger.warning("voice reconnect failed", extra={"guild": self.guild.id, "detail": str(error)})
            assignment = None
        raise VoiceLost("not reconnected in time", message=texts.connection_lost())

    def _is_removed(self, *, moved: bool) -> bool:
        """Return whether the bot is out of the channel, which happened after the old connection had ended.

        Args:
            moved: whether the old connection ended for a move, with the bot still in the channel.
        """
        return self.guild.get_channel(self._channel.id) is None or (moved and self.guild.me.voice is None)


def list_listener_ids(channel: VocalChannel) -> list[int]:
    """Return the ids of the members in a voice channel, without bots."""
    members, own_id = channel.guild.get_member, channel.guild.me.id
    present = [user_id for user_id in channel.voice_states if user_id != own_id]
    return [user_id for user_id in present if not ((member := members(user_id)) and member.bot)]
