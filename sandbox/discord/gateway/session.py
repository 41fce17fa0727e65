"""Sessions and connections of the gateway, with its opcodes and close codes."""

import asyncio
import json
import secrets
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum

from aiohttp import web

from sandbox.json_object import Json

MOST_PER_MINUTE = 120  # messages from a client on one connection
REPLAYED = 5_000  # events kept for a resumed session


class Opcode(IntEnum):
    """https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes"""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    """Close codes of the gateway."""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    INVALID_SHARD = 4010
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class CloseConnection(Exception):
    """Raised to close a connection with a code."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True, eq=False)
class Session:
    """What outlives a connection: shard, intents, and the latest events."""

    shard: int
    shards: int
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    sent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=REPLAYED))
    connection: "Connection | None" = None

    def serves(self, guild_id: int | None) -> bool:
        """Return whether this shard gets events of that guild; DMs are on shard 0."""
        return self.shard == (0 if guild_id is None else (guild_id >> 22) % self.shards)

    def dispatch(self, name: str, data: Json) -> None:
        """Send an event, or keep it until the session is resumed."""
        self.sequence += 1
        text = json.dumps({"op": int(Opcode.DISPATCH), "t": name, "s": self.sequence, "d": data})
        self.sent.append((self.sequence, text))
        if self.connection is not None:
            self.connection.queue.put_nowait(text)


@dataclass(slots=True, eq=False)
class Connection:
    """A websocket and its send queue."""

    socket: web.WebSocketResponse
    queue: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    session: Session | None = None
    cut: bool = False
    """Whether the server closed it; the client's close code 1000 then does not end the session."""

    received: deque[float] = field(default_factory=deque)
    """When the latest messages came, in seconds of the monotonic clock."""

    def count(self) -> None:
        """Count a received message.

        Raises:
            CloseConnection: too many came within a minute.
        """
        now = time.monotonic()
        self.received.append(now)
        while self.received[0] < now - 60:
            self.received.popleft()
        if len(self.received) > MOST_PER_MINUTE:
            raise CloseConnection(CloseCode.RATE_LIMITED, "You are being rate limited.")

    def send(self, op: Opcode, data: object) -> None:
        """Send a message other than an event."""
        self.queue.put_nowait(json.dumps({"op": int(op), "t": None, "s": None, "d": data}))

    async def write(self) -> None:
        """Send what is queued, in order, until cancelled or the client disconnected."""
        with suppress(ConnectionResetError):  # the reading side handles the end
            while True:
                await self.socket.send_str(await self.queue.get())
