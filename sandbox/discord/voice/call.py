"""A call: the bot's voice session in one guild, and its websocket."""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.discord.entities import VoiceState
from sandbox.discord.voice.dave import DaveGroup
from sandbox.discord.voice.protocol import UNNUMBERED, VoiceOpcode
from sandbox.discord.voice.udp import Address
from sandbox.json_object import Json

REPLAYED = 1_000  # messages kept for a resumed connection


@dataclass(slots=True, eq=False)
class VoiceConnection:
    """A websocket and its send queue; a number in the queue closes it with that code."""

    socket: web.WebSocketResponse
    request: web.Request
    queue: asyncio.Queue[str | bytes | int] = field(default_factory=asyncio.Queue)
    call: "Call | None" = None
    ending: bool = False
    lost: bool = False
    """Whether nothing can be sent on it any more."""
    unanswered: bool = False
    """Whether nothing that is received on it is answered."""

    def send(self, op: VoiceOpcode, data: object) -> None:
        """Send a message that is not replayed after a resume."""
        self.queue.put_nowait(json.dumps({"op": int(op), "d": data}))

    def end(self, code: int) -> None:
        """Close it after the queue was sent; later messages are dropped."""
        if not self.ending:
            self.ending = True
            self.queue.put_nowait(code)

    def abort(self) -> None:
        """Abort the TCP connection without a close frame."""
        self.ending = self.lost = True
        if self.request.transport is not None:
            self.request.transport.abort()

    def freeze(self) -> None:
        """Leave it open, but send and receive nothing more, as when the network is gone."""
        self.ending = self.lost = True
        if self.request.transport is not None:
            self.request.transport.pause_reading()

    async def write(self) -> None:
        """Send what is queued, in order, until it is ended or the client disconnected."""
        with suppress(ConnectionResetError):  # the reading side handles the end
            while True:
                message = await self.queue.get()
                if isinstance(message, int):
                    await self.socket.close(code=message)
                    return
                if isinstance(message, bytes):
                    await self.socket.send_bytes(message)
                else:
                    await self.socket.send_str(message)


@dataclass(slots=True, eq=False)
class Call:
    """What outlives a connection: the bot's voice state, its keys, and the messages so far.

    `number` counts all calls. `voice_state` has the channel and the session of the main gateway.
    """

    number: int
    guild_id: int
    voice_state: VoiceState
    ssrc: int
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    connection: VoiceConnection | None = None
    group: DaveGroup | None = None
    """Its end-to-end encryption; None without."""

    address: Address | None = None
    """Where its datagrams come from; set by its IP discovery."""
    described: bool = False
    """Whether it got its session description, with the key."""
    announced: bool = False
    """Whether it ever sent SPEAKING; Discord drops audio before that."""
    early: list[Callable[[], None]] = field(default_factory=list)
    """Records audio that came before SPEAKING, which may arrive later because it takes another socket."""
    speaking: bool = False
    sequence: int = -1
    sent: deque[tuple[int, str | bytes]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def record_early(self) -> None:
        """Record the audio that came early."""
        early, self.early = self.early, []
        for record in early:
            record()

    @property
    def user_id(self) -> int:
        """The bot's user id."""
        return self.voice_state.user.id

    @property
    def connected(self) -> bool:
        """Whether there is a websocket that is not about to be closed."""
        return self.connection is not None and not self.connection.ending

    def send(self, op: VoiceOpcode, data: object) -> None:
        """Send a message, or keep it until the connection is resumed."""
        if op in UNNUMBERED:
            if self.connection is not None:
                self.connection.send(op, data)
            return
        self.sequence += 1
        body: Json = {"op": int(op), "d": data, "seq": self.sequence}
        self._keep(json.dumps(body))

    def send_binary(self, op: VoiceOpcode, data: bytes) -> None:
        """Send a binary message, or keep it until the connection is resumed."""
        self.sequence += 1
        self._keep(self.sequence.to_bytes(2, "big") + bytes([op]) + data)

    def replay(self, after: int) -> None:
        """Send again what followed a sequence number."""
        if self.connection is not None:
            for number, message in self.sent:
                if number > after:
                    self.connection.queue.put_nowait(message)

    def _keep(self, message: str | bytes) -> None:
        self.sent.append((self.sequence, message))
        if self.connection is not None:
            self.connection.queue.put_nowait(message)
