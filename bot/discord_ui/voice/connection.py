"""One voice connection: it ends with its websocket or a move, at once and for good, and knows why.

It never reconnects; the session opens a new one. `bot.discord_ui.voice.handshake` says why.
"""

import asyncio
from importlib.util import find_spec
from typing import Final

import discord
from discord.abc import Connectable

from bot.audio.opus_stream import OpusStream
from bot.clock import Clock
from bot.discord_ui.voice.handshake import HANDSHAKE_TIMEOUT_S, Reassigned, VoiceHandshake, VoiceServerAssignment
from bot.errors import BotError, VoiceLost
from bot.messages import voice as texts

VocalChannel = discord.VoiceChannel | discord.StageChannel

MAX_VOICE_SERVERS: Final = 3
"""Voice servers that are tried in a row when Discord names another one during the handshake."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
_ENDED_BY_DISCORD: Final = frozenset({1000, 4014, 4022})
_ENCRYPTION_REQUIRED: Final = 4017
_RATE_LIMITED: Final = 4021
_PERMANENT: Final = {
    **dict.fromkeys(_ENDED_BY_DISCORD, texts.connection_ended()),
    _ENCRYPTION_REQUIRED: texts.encryption_required(),
    _RATE_LIMITED: texts.connected_too_often(),
}


class VoiceConnectionFailed(Exception):
    """No voice connection could be made.

    Args:
        close_code: the voice server's, if it sent one.
        removed: whether the bot was disconnected from the channel meanwhile.
    """

    def __init__(self, detail: str, *, close_code: int | None = None, removed: bool = False) -> None:
        super().__init__(detail)
        self.close_code = close_code
        self.removed = removed


class VoiceNotInstalled(BotError):
    """A library that voice needs is missing."""

    message = texts.not_installed()


class PacketSource(discord.AudioSource):
    """Passes on the packets of `source`; one that was read and not sent before a connection broke is read again."""

    def __init__(self, source: OpusStream, clock: Clock) -> None:
        self.ended = False
        """Whether the last packet was read and sent."""
        self.last_sent_at = clock.monotonic()
        """When, in monotonic seconds, the last packet was sent; before the first, when this was created."""
        self._source = source
        self._clock = clock
        self._unsent = b""

    def read(self) -> bytes:
        """Return the next packet to send, b"" at the end. Called by discord.py's player thread."""
        if not self._unsent:
            self._unsent = self._source.read()
            self.ended = not self._unsent
        return self._unsent

    def is_opus(self) -> bool:
        """Return that the packets are Opus already, so that discord.py encodes nothing."""
        return True

    def ack(self, packet: bytes) -> None:
        """Record that `packet` was sent."""
        if packet is self._unsent:
            self._unsent = b""
            self.last_sent_at = self._clock.monotonic()


class VoiceConnection(discord.VoiceClient):
    """A voice connection of the bot, deaf. Opened by `open_voice_connection`."""

    _connection: VoiceHandshake

    def __init__(self, client: discord.Client, channel: Connectable, assignment: VoiceServerAssignment | None) -> None:
        self._assignment = assignment
        super().__init__(client, channel)

    def create_connection_state(self) -> VoiceHandshake:
        """Return the handshake; discord.py's hook for another state class."""
        return VoiceHandshake(self, self._assignment)

    @property
    def ended(self) -> asyncio.Event:
        """Set when it has ended for good."""
        return self._connection.ended

    @property
    def removed(self) -> bool:
        """Return whether the bot was disconnected from the channel, or the channel was deleted."""
        return self._connection.removed

    @property
    def close_code(self) -> int | None:
        """The code that the websocket was closed with, if it was; None where it ended for a move."""
        return self._connection.close_code

    @property
    def reassigned(self) -> VoiceServerAssignment | None:
        """Where to connect next, if it ended because Discord moved the bot or named another voice server."""
        return self._connection.reassigned

    @property
    def encryption_pending(self) -> bool:
        """Return whether end-to-end encryption (DAVE) was negotiated and is not active yet."""
        return self._connection.dave_protocol_version > 0 and self.voice_privacy_code is None

    async def connect(
        self,
        *,
        reconnect: bool,  # noqa: ARG002 - discord.py's signature; a new connection is the session's work
        timeout: float,
        self_deaf: bool = False,
        self_mute: bool = False,
    ) -> None:
        """Connect; `discord.abc.Connectable.connect` calls this."""
        await self._connection.establish(timeout=timeout, self_deaf=self_deaf, self_mute=self_mute)

    def abort(self) -> None:
        """End it as lost, whatever its own state is."""
        self._connection.end(leave=True)

    async def wait_closed(self) -> None:
        """Wait, once it has ended, until its tasks and sockets are closed."""
        await self._connection.wait_closed()

    async def disconnect(self, *, force: bool = False) -> None:  # noqa: ARG002 - discord.py's signature
        """Leave the channel."""
        await self._connection.leave()

    def cleanup(self) -> None:
        """Unregister it from discord.py, but not a later connection of the same guild."""
        if self.guild.voice_client is self:
            super().cleanup()

    def send_audio_packet(self, data: bytes, *, encode: bool = True) -> None:
        """Send a packet, and acknowledge it to its source."""
        super().send_audio_packet(data, encode=encode)
        if isinstance(self.source, PacketSource):
            self.source.ack(data)


async def open_voice_connection(
    channel: VocalChannel, assignment: VoiceServerAssignment | None = None
) -> VoiceConnection:
    """Connect to `channel`, or to where Discord moves the bot meanwhile, and return the connection.

    Args:
        assignment: the voice server that Discord has assigned already; without it Discord is asked for one.

    Raises:
        VoiceNotInstalled: a library that voice needs is missing.
        VoiceConnectionFailed: it failed otherwise; the bot has left the channel then.
    """
    if find_spec("av") is None:
        raise VoiceNotInstalled("no av")
    connection: VoiceConnection | None = None

    def build(client: discord.Client, target: Connectable) -> VoiceConnection:
        nonlocal connection
        connection = VoiceConnection(client, target, assignment)
        return connection

    for _ in range(MAX_VOICE_SERVERS):
        try:
            return await channel.connect(cls=build, timeout=HANDSHAKE_TIMEOUT_S, reconnect=False, self_deaf=True)
        except Reassigned:
            assert connection is not None, "it was built before it was connected"
            channel, assignment = connection.channel, connection.reassigned
        except discord.ConnectionClosed as closed:
            removed = connection is not None and connection.removed
            raise VoiceConnectionFailed(
                f"closed with {closed.code}", close_code=closed.code, removed=removed
            ) from closed
        except RuntimeError as error:
            raise VoiceNotInstalled(str(error)) from error
        except Exception as error:
            # Silence, a name that isn't found, a handshake that fails: sockets, TLS, HTTP have errors of their own.
            raise VoiceConnectionFailed(
                type(error).__name__, removed=connection is not None and connection.removed
            ) from error
    assert connection is not None, "there was at least one attempt"
    await connection.disconnect(force=True)
    raise VoiceConnectionFailed("one voice server after another")


def permanent_error(lost: VoiceConnection | VoiceConnectionFailed, channel: VocalChannel) -> VoiceLost | None:
    """Return why not to reconnect to `channel` after a connection that was lost or failed; None to reconnect."""
    if lost.removed:
        return removal_error(channel)
    return error_for_close_code(lost.close_code)


def removal_error(channel: VocalChannel) -> VoiceLost:
    """Return the error that the bot was disconnected from `channel`, or that the channel was deleted."""
    if channel.guild.get_channel(channel.id) is None:
        return VoiceLost("channel deleted", message=texts.channel_deleted())
    return VoiceLost("removed", message=texts.removed_from_channel())


def error_for_close_code(close_code: int | None) -> VoiceLost | None:
    """Return why not to reconnect after a close code; None where a new connection may work."""
    sentence = _PERMANENT.get(close_code or 0)
    return None if sentence is None else VoiceLost(f"closed with {close_code}", message=sentence)
