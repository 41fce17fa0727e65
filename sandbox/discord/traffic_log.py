"""A log of all requests and gateway events, in order."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

from sandbox.change_signal import ChangeSignal
from sandbox.json_object import Json

MAX_ENTRIES = 20_000  # of each kind, so that a long session does not fill the memory


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """A request to the HTTP API and its response.

    `template` is the route as in Discord's OpenAPI description, empty for unknown routes. `request` is the JSON body or
    the `payload_json` part; `files` are the names and sizes of uploads. `at` is in seconds of the monotonic clock;
    `number` counts requests and gateway events together.
    """

    number: int
    at: float
    method: str
    template: str
    path: str
    query: Mapping[str, str]
    request: Any  # Any: a JSON value
    files: tuple[tuple[str, int], ...]
    status: int
    response: Any  # Any: a JSON value
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether it is a writing request."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A gateway message. `sent` is true from Discord to the bot; `name` is the event's, empty for other opcodes."""

    number: int
    at: float
    sent: bool
    shard: int
    op: int
    name: str
    data: Any  # Any: a JSON value


Entry = TypeVar("Entry", HttpExchange, GatewayEvent)


class TrafficLog:
    """Records requests and gateway events, and lets tests wait for them."""

    def __init__(self) -> None:
        self.requests: deque[HttpExchange] = deque(maxlen=MAX_ENTRIES)
        self.events: deque[GatewayEvent] = deque(maxlen=MAX_ENTRIES)
        self.changed = ChangeSignal()
        self._numbers = 0

    @property
    def number(self) -> int:
        """The number of the newest entry, to be used as `after` later."""
        return self._numbers

    def record_exchange(
        self,
        method: str,
        template: str,
        path: str,
        query: Mapping[str, str],
        *,
        request: Any,  # Any: a JSON value
        files: tuple[tuple[str, int], ...],
        status: int,
        response: Any,  # Any: a JSON value
        headers: Mapping[str, str],
    ) -> None:
        """Record a request and its response."""
        self._numbers += 1
        self.requests.append(
            HttpExchange(
                self._numbers,
                time.monotonic(),
                method,
                template,
                path,
                query,
                request,
                files,
                status,
                response,
                headers,
            )
        )
        self.changed.notify()

    def record_event(self, *, sent: bool, shard: int, op: int, name: str = "", data: Json | None = None) -> None:
        """Record a gateway message."""
        self._numbers += 1
        self.events.append(GatewayEvent(self._numbers, time.monotonic(), sent, shard, op, name, data))
        self.changed.notify()

    def find(self, wanted: Callable[[HttpExchange], bool], *, after: int = 0) -> list[HttpExchange]:
        """Return the requests after entry number `after` that `wanted` accepts."""
        return list(filter(wanted, _newer(self.requests, after)))

    def list_rate_limited(self) -> list[HttpExchange]:
        """Return the requests that were answered with 429."""
        return self.find(lambda entry: entry.status == 429)

    async def until(
        self, wanted: Callable[[HttpExchange], bool], *, deadline_s: float = 10.0, after: int = 0
    ) -> HttpExchange:
        """Wait for a request that `wanted` accepts and return it; recorded ones count.

        Raises:
            TimeoutError: none came in time.
        """
        seen = after

        def look() -> HttpExchange | None:
            nonlocal seen
            news, seen = _newer(self.requests, seen), self._numbers
            return next(filter(wanted, news), None)

        return await self.changed.until(look, deadline_s=deadline_s, what="the request")

    async def until_event(
        self, wanted: Callable[[GatewayEvent], bool], *, deadline_s: float = 10.0, after: int = 0
    ) -> GatewayEvent:
        """Wait for a gateway event that `wanted` accepts and return it; recorded ones count.

        Raises:
            TimeoutError: none came in time.
        """
        seen = after

        def look() -> GatewayEvent | None:
            nonlocal seen
            news, seen = _newer(self.events, seen), self._numbers
            return next(filter(wanted, news), None)

        return await self.changed.until(look, deadline_s=deadline_s, what="the gateway event")


def _newer(entries: deque[Entry], number: int) -> list[Entry]:
    """Return the entries after that number, oldest first. Takes time for these only."""
    return list(takewhile(lambda entry: entry.number > number, reversed(entries)))[::-1]
