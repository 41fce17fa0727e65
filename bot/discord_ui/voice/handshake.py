"""One voice connection over discord.py's handshake, and none of discord.py's own ways to move, resume or reconnect.

Those reuse a connection's UDP socket and the thread that reads it (discord.py 2.7.1). That thread takes in the voice
server's answer to the second IP discovery before anybody listens for it, and then the handshake waits for ever; or it
sits in select() on a socket that was closed. So a connection here has one websocket, one UDP socket and one handshake:
whatever happens to it, a move to another channel or voice server too, ends it, and a new one is made by its owner.
"""

import asyncio
import contextlib
import functools
import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import discord
from discord import voice_state
from discord.utils import MISSING
from discord.voice_state import ConnectionFlowState, VoiceConnectionState

from bot.discord_ui.voice.socket_reader import SocketReader

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState, VoiceServerUpdate

TIMEOUT_S: Final = 8.0
"""How long a handshake may take, and how long Discord may take to name the voice server after a move."""

LEFT_WITHIN_S: Final = 2.0
"""How long Discord's word is waited for that the bot is out of the channel: it never comes where it was out already."""

CLOSED_WITHIN_S: Final = 1.0
"""How long the voice server may take to answer that the websocket closes: it never does where the network is gone."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
_PERHAPS_MOVED: Final = frozenset({4014, 4022})

_ASKED: Final = ConnectionFlowState.set_guild_voice_state
_GOT_STATE: Final = ConnectionFlowState.got_voice_state_update
_GOT_SERVER: Final = ConnectionFlowState.got_voice_server_update
_GOT_BOTH: Final = ConnectionFlowState.got_both_voice_updates

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceServerAssignment:
    """The voice server that Discord has for the bot; with it a connection is made without asking for one."""

    session_id: str | None
    token: str
    endpoint: str


class Reassigned(Exception):
    """Discord named another voice server during the handshake."""


voice_state.SocketReader = SocketReader  # type: ignore[misc]  # `VoiceConnectionState` makes one and starts it at once


class VoiceHandshake(VoiceConnectionState):
    """The state of one voice connection; it ends at once and for good.

    Args:
        assignment: the voice server to connect to; without it Discord is asked for one.
    """

    def __init__(self, client: discord.VoiceClient, assignment: VoiceServerAssignment | None) -> None:
        super().__init__(client)
        self.ended = asyncio.Event()
        """Set when it is gone for good."""
        self.removed = False
        """Whether somebody took the bot out of the channel, or the channel away."""
        self.close_code: int | None = None
        """With which code the websocket was closed, if it was; none where it was for a move."""
        self.reassigned: VoiceServerAssignment | None = None
        """Where to connect next, if it ended because Discord moved the bot or named another voice server."""
        self._assignment = assignment
        self._made = False
        self._moved = False
        self._limit: asyncio.Timeout | None = None
        self._waiting_for_server: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[object] | None = None

    # ------------------------------------------------------------------ making it

    async def make(self, *, timeout: float, self_deaf: bool, self_mute: bool) -> None:
        """Connect within `timeout` seconds, once.

        Raises:
            Reassigned: Discord named another voice server meanwhile, see `reassigned`.
            Exception: it failed otherwise; the bot has left the channel then.
        """
        self.timeout = timeout
        try:
            async with asyncio.timeout(timeout) as self._limit:
                try:
                    await self._ask(self_deaf=self_deaf, self_mute=self_mute)
                    await self._wait_for_state(_GOT_BOTH)
                    self.ws = await self._connect_websocket(False)
                    await self._handshake_websocket()
                finally:
                    self._limit = None
            if self.ended.is_set():
                raise TimeoutError("ended during the handshake")
        except BaseException as error:
            self.end(leave=True)
            if self.reassigned is not None and isinstance(error, Exception):
                raise Reassigned from error
            await self.leave()
            raise
        self._made = True
        self._runner = asyncio.create_task(self._listen(), name="voice websocket")

    async def _ask(self, *, self_deaf: bool, self_mute: bool) -> None:
        if self._assignment is None:
            self.state = _ASKED  # before the answer can come
            await self.guild.change_voice_state(
                channel=self.voice_client.channel, self_deaf=self_deaf, self_mute=self_mute
            )
        else:
            self._take(self._assignment)
            self.state = _GOT_BOTH

    def _take(self, assignment: VoiceServerAssignment) -> None:
        self.session_id = assignment.session_id
        self.server_id = self.guild.id
        self.token = assignment.token
        self.endpoint = assignment.endpoint
        self.endpoint_ip = MISSING
        self._create_socket()

    async def _wait_for_state(
        self, state: ConnectionFlowState, *other_states: ConnectionFlowState, timeout: float | None = None
    ) -> None:
        # discord.py's own leaves a task behind for each wait that ends early.
        async with asyncio.timeout(timeout):
            while self.state not in (state, *other_states):
                await self._state_event.wait()

    # ------------------------------------------------------------------ what Discord says of it

    async def voice_state_update(self, data: "GuildVoiceState") -> None:
        """Take note of where Discord says the bot is."""
        if not data["channel_id"]:
            self._disconnected.set()
            # Before Discord's answer to the wish to come in, it is a late word about an earlier connection.
            if not self.ended.is_set() and self.state is not _ASKED:
                self.removed = True
                self.end(leave=False)
            return
        channel_id = int(data["channel_id"])
        elsewhere = channel_id != self.voice_client.channel.id
        self.session_id = data["session_id"]
        self._update_voice_channel(channel_id)
        if self.ended.is_set():
            return
        if self.state is _ASKED:
            self.state = _GOT_STATE
        elif self.state is _GOT_SERVER and not self._made:
            self.state = _GOT_BOTH
        elif elsewhere and self._made:
            self._moved = True
            self._wait_for_server()

    async def voice_server_update(self, data: "VoiceServerUpdate") -> None:
        """Take note of which voice server Discord has for the bot."""
        endpoint = data.get("endpoint")
        if self.ended.is_set():
            return
        if not endpoint:
            if self._made:
                self._moved = True
                self._wait_for_server()  # this one is gone, and another not found yet
            return
        assignment = VoiceServerAssignment(self.session_id, data["token"], endpoint.removeprefix("wss://"))
        if not self._made and self.state in (_ASKED, _GOT_STATE):
            self._take(assignment)
            self.state = _GOT_BOTH if self.state is _GOT_STATE else _GOT_SERVER
        elif assignment != VoiceServerAssignment(self.session_id, self.token or "", self.endpoint or ""):
            self.reassigned = assignment
            self._moved = True
            self.end(leave=False)

    def _wait_for_server(self) -> None:
        """Be not connected until Discord names the voice server; where it doesn't in time, be gone."""
        self.state = _GOT_STATE
        if self._waiting_for_server is None:
            loop = asyncio.get_running_loop()
            self._waiting_for_server = loop.call_later(self.timeout, functools.partial(self.end, leave=True))

    def _update_voice_channel(self, channel_id: int | None) -> None:
        # Moved to where it can't see it stays, as far as anybody here knows, where it was.
        if channel_id is not None and self.guild.get_channel(channel_id) is not None:
            super()._update_voice_channel(channel_id)

    async def _listen(self) -> None:
        """Read the websocket until it closes, or says nothing for half a minute."""
        try:
            while True:
                await self.ws.poll_event()
        except (discord.ConnectionClosed, TimeoutError):
            pass
        except Exception as error:
            # A message that can't be read, or a step of the encryption that fails: a new connection begins afresh.
            log.warning("voice message not understood", extra={"guild": self.guild.id, "detail": type(error).__name__})
        if self.ws.ws.close_code in _PERHAPS_MOVED:
            self._wait_for_server()
        else:
            self.end(leave=True)

    # ------------------------------------------------------------------ ending it

    def is_connected(self) -> bool:
        """Return whether sound can be sent."""
        return super().is_connected() and not self.ended.is_set()

    def end(self, *, leave: bool) -> None:
        """End it, if it hasn't ended; `closed` waits for the rest of it.

        Args:
            leave: whether the bot is to leave the channel.
        """
        if self.ended.is_set():
            return
        if self.ws is not MISSING and not self._moved:
            self.close_code = self.ws.ws.close_code
        self.ended.set()
        self.state = ConnectionFlowState.disconnected
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())
        if self._waiting_for_server is not None:
            self._waiting_for_server.cancel()
        self._socket_reader.stop()
        self.voice_client.stop()
        # A player that waits for the connection looks up.
        self._connected.set()
        self._connected.clear()
        if self.socket is not MISSING:
            with contextlib.suppress(OSError):  # closed alone, it would leave discord.py's reader in select()
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
        if not leave:
            self.voice_client.cleanup()
        self._closing = asyncio.create_task(self._close(leave=leave), name="voice closing")

    async def closed(self) -> None:
        """Wait until nothing of it is left; where Discord keeps that waiting, it goes on by itself."""
        if self._closing is not None:
            await asyncio.wait({self._closing}, timeout=LEFT_WITHIN_S + CLOSED_WITHIN_S)

    async def leave(self) -> None:
        """End it, and leave the channel, also where it ended for a move that nobody made."""
        self.end(leave=True)
        await self.closed()
        if self.reassigned is not None:
            self._closing = asyncio.create_task(self._say_goodbye(), name="voice leaving")
            await self.closed()

    async def _close(self, *, leave: bool) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})
        if leave:
            try:
                self._disconnected.clear()
                if await self._say_goodbye():
                    async with asyncio.timeout(LEFT_WITHIN_S):
                        await self._disconnected.wait()
            except TimeoutError:
                pass
            finally:
                self.voice_client.cleanup()
        if self.ws is not MISSING:
            # Whatever is the matter with the websocket, nobody needs it any more.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSED_WITHIN_S):
                    await self.ws.close()

    async def _say_goodbye(self) -> bool:
        """Tell Discord that the bot leaves; return whether that could be sent."""
        try:
            await self.guild.change_voice_state(channel=None)
        except Exception as error:
            # Without a gateway connection there is nobody to tell, and Discord takes the bot out by itself.
            log.info("voice channel not left", extra={"guild": self.guild.id, "detail": type(error).__name__})
            return False
        return True
