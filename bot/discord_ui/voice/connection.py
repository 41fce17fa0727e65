"""One voice connection: it ends with its websocket or a move, at once and for good, and knows why.

Each connection is made once; a new one is the session's work. See `bot.discord_ui.voice.handshake` for why.
"""

import asyncio
from importlib.util import find_spec
from typing import Final

import discord
from discord.abc import Connectable

from bot.audio.opus_stream import OpusStream
from bot.clock import Clock
from bot.discord_ui.voice.handshake import TIMEOUT_S, Reassigned, VoiceHandshake, VoiceServerAssignment
from bot.errors import BotError, VoiceLost
from bot.messages import voice as texts

VocalChannel = discord.VoiceChannel | discord.StageChannel

MOST_SERVERS: Final = 3
"""So many voice servers are tried in a row when Discord names another one during the handshake."""


# https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
_GONE: Final = frozenset({1000, 4014, 4022})
_NO_ENCRYPTION: Final = 4017
_TOO_OFTEN: Final = 4021
_FINAL: Final = {
    **dict.fromkeys(_GONE, texts.connection_ended()),
    _NO_ENCRYPTION: texts.encryption_required(),
    _TOO_OFTEN: texts.connected_too_often(),
}


class VoiceConnectionFailed(Exception):
    """No voice connection could be made.

    Args:
        close_code: the voice server's, if it said one.
        removed: whether somebody took the bot out of the channel meanwhile.
    """

    def __init__(self, detail: str, *, close_code: int | None = None, removed: bool = False) -> None:
        super().__init__(detail)
        self.close_code = close_code
        self.removed = removed


class VoiceNotInstalled(BotError):
    """A library that voice needs is missing."""

    message = texts.not_installed()


class PacketSource(discord.AudioSource):
    """Passes packets on from `source`; one that a broken connection had taken and not sent comes again."""

    def __init__(self, source: OpusStream, clock: Clock) -> None:
        self.ended = False
        """Whether the source gave its last packet, and it was sent."""
        self.last_sent_at = clock.monotonic()
        """When, in monotonic seconds, its last packet was sent, or it was made."""
        self._source = source
        self._clock = clock
        self._unsent = b""

    def read(self) -> bytes:
        """Give the packet that is next to be sent, or nothing at the end; discord.py's player thread calls this."""
        if not self._unsent:
            self._unsent = self._source.read()
            self.ended = not self._unsent
        return self._unsent

    def is_opus(self) -> bool:
        """Tell discord.py that there is nothing to encode."""
        return True

    def sent(self, packet: bytes) -> None:
        """Take note that `packet` is on its way."""
        if packet is self._unsent:
            self._unsent = b""
            self.last_sent_at = self._clock.monotonic()


class VoiceConnection(discord.VoiceClient):
    """A voice connection of the bot, deaf. Made by `open_link`."""

    _connection: VoiceHandshake

    def __init__(self, client: discord.Client, channel: Connectable, assignment: VoiceServerAssignment | None) -> None:
        self._assignment = assignment
        super().__init__(client, channel)

    def create_connection_state(self) -> VoiceHandshake:
        """Give it a state of ours; discord.py's hook for that."""
        return VoiceHandshake(self, self._assignment)

    @property
    def ended(self) -> asyncio.Event:
        """Set when it is gone for good."""
        return self._connection.ended

    @property
    def removed(self) -> bool:
        """Whether somebody took the bot out of the channel, or the channel away."""
        return self._connection.removed

    @property
    def close_code(self) -> int | None:
        """With which code the websocket was closed, if it was; none where it was for a move."""
        return self._connection.close_code

    @property
    def reassigned(self) -> VoiceServerAssignment | None:
        """Where to connect next, if it ended because Discord moved the bot or named another voice server."""
        return self._connection.reassigned

    @property
    def encrypted_soon(self) -> bool:
        """Whether end-to-end encryption was agreed upon, and is not in force yet."""
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
        await self._connection.make(timeout=timeout, self_deaf=self_deaf, self_mute=self_mute)

    def lose(self) -> None:
        """Treat it as lost, whatever it says of itself."""
        self._connection.end(leave=True)

    async def closed(self) -> None:
        """Wait, once it has ended, until nothing of it is left."""
        await self._connection.closed()

    async def disconnect(self, *, force: bool = False) -> None:  # noqa: ARG002 - discord.py's signature
        """Leave the channel."""
        await self._connection.leave()

    def cleanup(self) -> None:
        """Let discord.py forget it, and not the one that has followed it."""
        if self.guild.voice_client is self:
            super().cleanup()

    def send_audio_packet(self, data: bytes, *, encode: bool = True) -> None:
        """Send a packet, and let the tape that it came from know."""
        super().send_audio_packet(data, encode=encode)
        if isinstance(self.source, PacketSource):
            self.source.sent(data)


async def open_link(channel: VocalChannel, assignment: VoiceServerAssignment | None = None) -> VoiceConnection:
    """Connect to `channel`, or to where Discord moves the bot meanwhile.

    Args:
        assignment: the voice server that Discord has named already; without it Discord is asked for one.

    Raises:
        VoiceNotInstalled: a library that voice needs is missing.
        VoiceConnectionFailed: it failed otherwise; the bot has left the channel then.
    """
    if find_spec("av") is None:
        raise VoiceNotInstalled("no av")
    link: VoiceConnection | None = None

    def make(client: discord.Client, place: Connectable) -> VoiceConnection:
        nonlocal link
        link = VoiceConnection(client, place, assignment)
        return link

    for _ in range(MOST_SERVERS):
        try:
            return await channel.connect(cls=make, timeout=TIMEOUT_S, reconnect=False, self_deaf=True)
        except Reassigned:
            assert link is not None, "it was made before it was connected"
            channel, assignment = link.channel, link.reassigned
        except discord.ConnectionClosed as closed:
            removed = link is not None and link.removed
            raise VoiceConnectionFailed(
                f"closed with {closed.code}", close_code=closed.code, removed=removed
            ) from closed
        except RuntimeError as error:
            raise VoiceNotInstalled(str(error)) from error
        except Exception as error:
            # Silence, a name that isn't found, a handshake that fails: sockets, TLS, HTTP have errors of their own.
            raise VoiceConnectionFailed(type(error).__name__, removed=link is not None and link.removed) from error
    assert link is not None, "there was at least one attempt"
    await link.disconnect(force=True)
    raise VoiceConnectionFailed("one voice server after another")


def final_word(lost: VoiceConnection | VoiceConnectionFailed, channel: VocalChannel) -> VoiceLost | None:
    """Tell why no new connection to `channel` is to be made after one that was lost or failed; None where one is."""
    if lost.removed:
        return removed_from(channel)
    return refusal_of(lost.close_code)


def removed_from(channel: VocalChannel) -> VoiceLost:
    """Tell that somebody took the bot out of `channel`, or the channel away."""
    gone = channel.guild.get_channel(channel.id) is None
    if gone:
        return VoiceLost("channel deleted", message=texts.channel_deleted())
    return VoiceLost("removed", message=texts.removed_from_channel())


def refusal_of(close_code: int | None) -> VoiceLost | None:
    """Tell what a close code means for whoever would connect anew; None where that is worth trying."""
    sentence = _FINAL.get(close_code or 0)
    return None if sentence is None else VoiceLost(f"closed with {close_code}", message=sentence)
