"""One voice connection: it ends with its websocket, at once and for good, and knows why.

discord.py 2.7.1 would connect anew by itself, and be silent for up to half a minute or for ever (its reader thread
waits on the socket that is gone, a 4015 is resumed in vain). So each connection is made once, and a new one is the
session's work.
"""

import asyncio
import contextlib
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import discord
from discord.utils import MISSING
from discord.voice_state import VoiceConnectionState

from bot.errors import BotError
from bot.ui.voice.tape import Tape

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState

TIMEOUT_S: Final = 8.0
"""How long discord.py waits: for the handshake, and for the new server when it was moved."""

LEFT_WITHIN_S: Final = 2.0


class NoLink(Exception):
    """No voice connection could be made; `close_code` is the voice server's, if it said one."""

    def __init__(self, detail: str, *, close_code: int | None = None) -> None:
        super().__init__(detail)
        self.close_code = close_code


class VoiceNotInstalled(BotError):
    """A library that voice needs is missing."""

    sentence = (
        "I can't speak in voice channels yet. Whoever runs me can see with `python -m bot check` what is missing."
    )


class Link(discord.VoiceClient):
    """A voice connection of the bot, deaf. Made by `open_link`."""

    _connection: "_State"

    def create_connection_state(self) -> "_State":
        """Give it a state of ours; discord.py's hook for that."""
        return _State(self)

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
        """With which code the websocket was closed, if it was."""
        return self._connection.close_code

    @property
    def encrypted_soon(self) -> bool:
        """Whether end-to-end encryption was agreed upon, and is not in force yet."""
        return self._connection.dave_protocol_version > 0 and self.voice_privacy_code is None

    async def disconnect(self, *, force: bool = False) -> None:
        """Leave the channel; wait for Discord's word but a moment, as it never comes where the bot was out already."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(super().disconnect(force=force), LEFT_WITHIN_S)

    def send_audio_packet(self, data: bytes, *, encode: bool = True) -> None:
        """Send a packet, and let the tape that it came from know."""
        super().send_audio_packet(data, encode=encode)
        if isinstance(self.source, Tape):
            self.source.sent(data)


async def open_link(channel: discord.VoiceChannel | discord.StageChannel) -> Link:
    """Connect to `channel`.

    Raises:
        VoiceNotInstalled: a library that voice needs is missing.
        NoLink: it failed otherwise.
    """
    if find_spec("av") is None:
        raise VoiceNotInstalled("no av")
    try:
        link = await channel.connect(cls=Link, timeout=TIMEOUT_S, reconnect=False, self_deaf=True)
    except discord.ConnectionClosed as closed:
        raise NoLink(f"closed with {closed.code}", close_code=closed.code) from closed
    except RuntimeError as error:
        raise VoiceNotInstalled(str(error)) from error
    except asyncio.CancelledError:
        # discord.py keeps the half of a client, its thread too, and would refuse every further one in this server.
        if isinstance(half := channel.guild.voice_client, Link):
            await half.disconnect(force=True)
        raise
    except Exception as error:
        # Silence, a name that isn't found, a handshake that fails: sockets, TLS and HTTP each have errors of their own.
        raise NoLink(type(error).__name__) from error
    if not link.is_connected():  # discord.py can return from a failed handshake as if nothing had been
        await link.disconnect(force=True)
        raise NoLink("gone as soon as it was made")
    return link


class _State(VoiceConnectionState):
    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.ended = asyncio.Event()
        self.removed = False
        self.close_code: int | None = None
        self._replaced: list[socket.socket] = []

    async def voice_state_update(self, data: "GuildVoiceState") -> None:
        """Note whether it was somebody else who had the bot leave."""
        if not data["channel_id"] and self.is_connected() and not self._expecting_disconnect:
            self.removed = True
        await super().voice_state_update(data)

    async def disconnect(self, *, force: bool = True, cleanup: bool = True, wait: bool = False) -> None:
        """Leave, and be done with it."""
        self._note_code()
        self._wake_reader()
        try:
            await super().disconnect(force=force, cleanup=cleanup, wait=wait)
        finally:
            if cleanup:
                for replaced in self._replaced:
                    replaced.close()
                self.ended.set()

    async def _connect(self, reconnect: bool, timeout: float, self_deaf: bool, self_mute: bool, resume: bool) -> None:
        if resume:
            self._note_code()
            raise TimeoutError("not resumed: a new connection is quicker")  # what discord.py expects of a vain attempt
        await super()._connect(reconnect, timeout, self_deaf, self_mute, resume)

    async def _poll_voice_ws(self, reconnect: bool) -> None:
        # It raises after it has disconnected, and nobody would look at that: `ended` and `close_code` tell of it.
        with contextlib.suppress(discord.ConnectionClosed, TimeoutError):
            await super()._poll_voice_ws(reconnect)

    def _update_voice_channel(self, channel_id: int | None) -> None:
        # Moved to where it can't see it stays, as far as anybody here knows, where it was.
        if channel_id is not None and self.guild.get_channel(channel_id) is not None:
            super()._update_voice_channel(channel_id)

    def _create_socket(self) -> None:
        self._wake_reader()
        if self.socket is not MISSING:
            # Open until the end: if it were closed, select() might look at its number only then and sleep on.
            self._replaced.append(self.socket)
        super()._create_socket()

    def _wake_reader(self) -> None:
        """Get discord.py's reader thread out of select(), where it doesn't notice that its socket was replaced.

        It would sit there for half a minute, and a new socket's address would not be found out for as long.
        """
        if self.socket is not MISSING:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)

    def _note_code(self) -> None:
        if self.close_code is None and self.ws is not MISSING:
            self.close_code = self.ws.ws.close_code
