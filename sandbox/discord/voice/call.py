"""The bot's voice in one guild as the voice server knows it, and the websocket in front of it."""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.discord.entities import VoiceState
from sandbox.discord.voice.protocol import UNNUMBERED, VoiceOpcode
from sandbox.discord.voice.udp import Address
from sandbox.json_object import Json

if TYPE_CHECKING:
    from sandbox.discord.voice.dave import DaveGroup

REPLAYED = 1_000  # messages kept for a connection that comes back


@dataclass(slots=True, eq=False)
class VoiceConnection:
    """One websocket and what waits to be sent on it; a number in the queue ends it with that close code."""

    socket: web.WebSocketResponse
    request: web.Request
    queue: asyncio.Queue[str | bytes | int] = field(default_factory=asyncio.Queue)
    call: "Call | None" = None
    ending: bool = False
    lost: bool = False
    """Whether nothing can be sent on it any more."""
    silent: bool = False
    """Whether nothing that comes on it is answered."""

    def say(self, op: VoiceOpcode, data: object) -> None:
        """Send something that is never sent again."""
        self.queue.put_nowait(json.dumps({"op": int(op), "d": data}))

    def end(self, code: int) -> None:
        """Close it once all that waits was sent; nothing more is sent then."""
        if not self.ending:
            self.ending = True
            self.queue.put_nowait(code)

    def cut(self) -> None:
        """Cut it without a word."""
        self.ending = self.lost = True
        if self.request.transport is not None:
            self.request.transport.abort()

    def hang(self) -> None:
        """Leave it open without a word, and hear nothing that comes on it: a network that is gone does that."""
        self.ending = self.lost = True
        if self.request.transport is not None:
            self.request.transport.pause_reading()

    async def write(self) -> None:
        """Send what is queued, in order, until it is ended or the other side is gone."""
        with suppress(ConnectionResetError):  # the reading side sees the end and deals with it
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
    """What outlives a connection: the bot's place in a channel, its keys, and the messages so far.

    `number` counts the calls of a guild. `state` says which channel, and under which session of the main gateway.
    """

    number: int
    guild_id: int
    voice_state: VoiceState
    ssrc: int
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    connection: VoiceConnection | None = None
    group: "DaveGroup | None" = None
    """Its end-to-end encryption; None where there is none."""

    address: Address | None = None
    """Where its datagrams come from, once it asked."""
    described: bool = False
    """Whether it was told its key."""
    announced: bool = False
    """Whether it ever said whether it speaks; Discord takes no sound before."""
    early: list[Callable[[], None]] = field(default_factory=list)
    """Sound that came before that, to be noted: the word may be on its way still, over another socket."""
    speaking: bool = False
    sequence: int = -1
    sent: deque[tuple[int, str | bytes]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def take_early(self) -> None:
        """Note the sound that came early, as it was or is now."""
        early, self.early = self.early, []
        for note in early:
            note()

    @property
    def user_id(self) -> int:
        """Whose it is."""
        return self.voice_state.user.id

    @property
    def connected(self) -> bool:
        """Whether a websocket is there that is to stay."""
        return self.connection is not None and not self.connection.ending

    def send(self, op: VoiceOpcode, data: object) -> None:
        """Send a message, or keep it for the connection's return."""
        if op in UNNUMBERED:
            if self.connection is not None:
                self.connection.say(op, data)
            return
        self.sequence += 1
        body: Json = {"op": int(op), "d": data, "seq": self.sequence}
        self._keep(json.dumps(body))

    def send_binary(self, op: VoiceOpcode, data: bytes) -> None:
        """Send a binary message, or keep it."""
        self.sequence += 1
        self._keep(self.sequence.to_bytes(2, "big") + bytes([op]) + data)

    def replay(self, after: int) -> None:
        """Send again what came after a sequence number."""
        if self.connection is not None:
            for number, message in self.sent:
                if number > after:
                    self.connection.queue.put_nowait(message)

    def _keep(self, message: str | bytes) -> None:
        self.sent.append((self.sequence, message))
        if self.connection is not None:
            self.connection.queue.put_nowait(message)
