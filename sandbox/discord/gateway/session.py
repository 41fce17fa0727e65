"""What a gateway connection is made of: opcodes, close codes, the session behind it and the socket in front."""

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

MOST_PER_MINUTE = 120  # messages a client may send on one connection
REPLAYED = 5_000  # events kept for a session that comes back


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
    """Ends a connection with a close code."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True, eq=False)
class Session:
    """What outlives a connection: who, which shard, and the events so far."""

    shard: int
    shards: int
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    sent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=REPLAYED))
    connection: "Connection | None" = None

    def serves(self, guild_id: int | None) -> bool:
        """Return whether events of that guild come here; direct messages come on shard 0."""
        return self.shard == (0 if guild_id is None else (guild_id >> 22) % self.shards)

    def dispatch(self, name: str, data: Json) -> None:
        """Send an event, or keep it for the session's return."""
        self.sequence += 1
        text = json.dumps({"op": int(Opcode.DISPATCH), "t": name, "s": self.sequence, "d": data})
        self.sent.append((self.sequence, text))
        if self.connection is not None:
            self.connection.queue.put_nowait(text)


@dataclass(slots=True, eq=False)
class Connection:
    """One websocket and what waits to be sent on it."""

    socket: web.WebSocketResponse
    queue: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    session: Session | None = None
    cut: bool = False
    """Whether this side ended it; the other then answers 1000 without meaning goodbye."""

    received: deque[float] = field(default_factory=deque)
    """When the newest messages came, in seconds on a monotonic clock."""

    def count(self) -> None:
        """Count a message that came.

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
        """Send something other than an event."""
        self.queue.put_nowait(json.dumps({"op": int(op), "t": None, "s": None, "d": data}))

    async def write(self) -> None:
        """Send what is queued, in order, until cancelled or the other side is gone."""
        with suppress(ConnectionResetError):  # the reading side sees the end and deals with it
            while True:
                await self.socket.send_str(await self.queue.get())
