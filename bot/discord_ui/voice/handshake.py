"""One voice connection over discord.py's handshake, and none of discord.py's own ways to move, resume or reconnect.

Those reuse a connection's UDP socket and the thread that reads it (discord.py 2.7.1). That thread reads the voice
server's response to the second IP discovery before a listener is registered, and then the handshake never ends; or it
hangs in select() on a socket that was closed. So a connection has one websocket, one UDP socket and one handshake:
whatever happens to it, a move to another channel or voice server too, ends it, and its owner opens a new one.
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
from bot.tasks import cancel_and_wait, raise_if_cancelled

if TYPE_CHECKING:
    from discord.types.voice import GuildVoiceState, VoiceServerUpdate

HANDSHAKE_TIMEOUT_S: Final = 8.0
"""How long a handshake may take, and how long Discord may take to name the voice server after a move."""

LEAVE_CONFIRMATION_TIMEOUT_S: Final = 2.0
"""How long to wait for the event that the bot has left the channel: none comes where it was out already."""

CLOSE_TIMEOUT_S: Final = 1.0
"""How long the voice server may take to confirm that the websocket closes: it never does without a network."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
_MAY_BE_MOVED: Final = frozenset({4014, 4022})

_REQUESTED: Final = ConnectionFlowState.set_guild_voice_state
_GOT_STATE: Final = ConnectionFlowState.got_voice_state_update
_GOT_SERVER: Final = ConnectionFlowState.got_voice_server_update
_GOT_BOTH: Final = ConnectionFlowState.got_both_voice_updates

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceServerAssignment:
    """The voice server that Discord assigned to the bot; a connection to it asks Discord for none."""

    session_id: str | None
    token: str
    endpoint: str


class Reassigned(Exception):
    """Discord assigned another voice server during the handshake."""


voice_state.SocketReader = SocketReader  # type: ignore[misc]  # `VoiceConnectionState` makes one and starts it at once


class VoiceHandshake(VoiceConnectionState):
    """The state of one voice connection; it ends at once and for good.

    Args:
        assignment: the voice server to connect to; without it Discord is asked for one.
    """

    def __init__(self, client: discord.VoiceClient, assignment: VoiceServerAssignment | None) -> None:
        super().__init__(client)
        self.ended = asyncio.Event()
        """Set when it has ended for good."""
        self.removed = False
        """Whether the bot was disconnected from the channel, or the channel was deleted."""
        self.close_code: int | None = None
        """The code that the websocket was closed with, if it was; None where it ended for a move."""
        self.reassigned: VoiceServerAssignment | None = None
        """Where to connect next, if it ended because Discord moved the bot or assigned another voice server."""
        self._assignment = assignment
        self._is_established = False
        self._is_moving = False
        self._deadline: asyncio.Timeout | None = None
        self._server_timer: asyncio.TimerHandle | None = None
        self._close_task: asyncio.Task[object] | None = None

    async def establish(self, *, timeout: float, self_deaf: bool, self_mute: bool) -> None:
        """Connect within `timeout` seconds, once.

        Raises:
            Reassigned: Discord assigned another voice server meanwhile, see `reassigned`.
            Exception: it failed otherwise; the bot has left the channel then.
        """
        self.timeout = timeout
        try:
            async with asyncio.timeout(timeout) as self._deadline:
                try:
                    await self._request_server(self_deaf=self_deaf, self_mute=self_mute)
                    await self._wait_for_state(_GOT_BOTH)
                    self.ws = await self._connect_websocket(False)
                    await self._handshake_websocket()
                    raise_if_cancelled()  # as in `_read_websocket`
                finally:
                    self._deadline = None
            if self.ended.is_set():
                raise TimeoutError("ended during the handshake")
        except BaseException as error:  # a cancellation too: the bot must not stay in a channel where it can't speak
            self.end(leave=True)
            if self.reassigned is not None and isinstance(error, Exception):
                raise Reassigned from error
            await self.leave()
            raise
        self._is_established = True
        self._runner = asyncio.create_task(self._read_websocket(), name="voice websocket")

    async def _request_server(self, *, self_deaf: bool, self_mute: bool) -> None:
        if self._assignment is None:
            self.state = _REQUESTED  # before the answer can come
            await self.guild.change_voice_state(
                channel=self.voice_client.channel, self_deaf=self_deaf, self_mute=self_mute
            )
        else:
            self._use_server(self._assignment)
            self.state = _GOT_BOTH

    def _use_server(self, assignment: VoiceServerAssignment) -> None:
        self.session_id = assignment.session_id
        self.server_id = self.guild.id
        self.token = assignment.token
        self.endpoint = assignment.endpoint
        self.endpoint_ip = MISSING
        self._create_socket()

    async def _wait_for_state(
        self, state: ConnectionFlowState, *other_states: ConnectionFlowState, timeout: float | None = None
    ) -> None:
        # discord.py's version leaks a task for each wait that ends early.
        async with asyncio.timeout(timeout):
            while self.state not in (state, *other_states):
                await self._state_event.wait()

    async def voice_state_update(self, data: "GuildVoiceState") -> None:
        """Handle the gateway event of the bot's own voice state."""
        if not data["channel_id"]:
            self._disconnected.set()
            # Before the response to the request to join, it is a late event of an earlier connection.
            if not self.ended.is_set() and self.state is not _REQUESTED:
                self.removed = True
                self.end(leave=False)
            return
        channel_id = int(data["channel_id"])
        elsewhere = channel_id != self.voice_client.channel.id
        self.session_id = data["session_id"]
        self._update_voice_channel(channel_id)
        if self.ended.is_set():
            return
        if self.state is _REQUESTED:
            self.state = _GOT_STATE
        elif self.state is _GOT_SERVER and not self._is_established:
            self.state = _GOT_BOTH
        elif elsewhere and self._is_established:
            self._is_moving = True
            self._wait_for_server()

    async def voice_server_update(self, data: "VoiceServerUpdate") -> None:
        """Handle the gateway event that assigns a voice server."""
        endpoint = data.get("endpoint")
        if self.ended.is_set():
            return
        if not endpoint:
            if self._is_established:
                self._is_moving = True
                self._wait_for_server()  # this one is down, and no other is assigned yet
            return
        assignment = VoiceServerAssignment(self.session_id, data["token"], endpoint.removeprefix("wss://"))
        if not self._is_established and self.state in (_REQUESTED, _GOT_STATE):
            self._use_server(assignment)
            self.state = _GOT_BOTH if self.state is _GOT_STATE else _GOT_SERVER
        elif assignment != VoiceServerAssignment(self.session_id, self.token or "", self.endpoint or ""):
            self.reassigned = assignment
            self._is_moving = True
            self.end(leave=False)

    def _wait_for_server(self) -> None:
        """Be disconnected until Discord assigns a voice server; end where it does not in time."""
        self.state = _GOT_STATE
        if self._server_timer is None:
            loop = asyncio.get_running_loop()
            self._server_timer = loop.call_later(self.timeout, functools.partial(self.end, leave=True))

    def _update_voice_channel(self, channel_id: int | None) -> None:
        # A channel that the bot cannot view is not cached: the last one stays.
        if channel_id is not None and self.guild.get_channel(channel_id) is not None:
            super()._update_voice_channel(channel_id)

    async def _read_websocket(self) -> None:
        """Read the websocket until it closes, or is silent for half a minute."""
        try:
            while True:
                await self.ws.poll_event()
                raise_if_cancelled()  # discord.py waits for each message by `asyncio.wait_for`
        except (discord.ConnectionClosed, TimeoutError):
            pass
        except Exception as error:
            # A message that cannot be parsed, or a failed step of the encryption: a new connection starts over.
            logger.warning(
                "voice websocket message invalid", extra={"guild": self.guild.id, "detail": type(error).__name__}
            )
        if self.ws.ws.close_code in _MAY_BE_MOVED:
            self._wait_for_server()
        else:
            self.end(leave=True)

    def is_connected(self) -> bool:
        """Return whether audio can be sent."""
        return super().is_connected() and not self.ended.is_set()

    def end(self, *, leave: bool) -> None:
        """End the connection, once; `wait_closed` waits for what continues in the background.

        Args:
            leave: whether the bot leaves the channel too.
        """
        if self.ended.is_set():
            return
        if self.ws is not MISSING and not self._is_moving:
            self.close_code = self.ws.ws.close_code
        self.ended.set()
        self.state = ConnectionFlowState.disconnected
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time())
        if self._server_timer is not None:
            self._server_timer.cancel()
        self._socket_reader.stop()
        self.voice_client.stop()
        # Wakes a player that waits for the connection, which then sees that it has ended.
        self._connected.set()
        self._connected.clear()
        if self.socket is not MISSING:
            with contextlib.suppress(OSError):  # closed alone, it would leave discord.py's reader in select()
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
        if not leave:
            self.voice_client.cleanup()
        self._close_task = asyncio.create_task(self._close(leave=leave), name="voice closing")

    async def wait_closed(self) -> None:
        """Wait until everything is closed, for a bounded time; closing continues in the background."""
        if self._close_task is not None:
            await asyncio.wait({self._close_task}, timeout=LEAVE_CONFIRMATION_TIMEOUT_S + CLOSE_TIMEOUT_S)

    async def leave(self) -> None:
        """End the connection and leave the channel, also where it ended for a move that was not made."""
        self.end(leave=True)
        await self.wait_closed()
        if self.reassigned is not None:
            self._close_task = asyncio.create_task(self._send_leave(), name="voice leaving")
            await self.wait_closed()

    async def _close(self, *, leave: bool) -> None:
        if self._runner is not None:
            await cancel_and_wait(self._runner)
        if leave:
            try:
                self._disconnected.clear()
                if await self._send_leave():
                    async with asyncio.timeout(LEAVE_CONFIRMATION_TIMEOUT_S):
                        await self._disconnected.wait()
            except TimeoutError:
                pass
            finally:
                self.voice_client.cleanup()
        if self.ws is not MISSING:
            # The websocket is not needed any more, whatever its state is.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self.ws.close()

    async def _send_leave(self) -> bool:
        """Tell Discord that the bot leaves; return whether that was sent."""
        try:
            await self.guild.change_voice_state(channel=None)
        except Exception as error:
            # Without a gateway connection it cannot be sent, and Discord disconnects the bot by itself.
            logger.info("voice leave not sent", extra={"guild": self.guild.id, "detail": type(error).__name__})
            return False
        return True
