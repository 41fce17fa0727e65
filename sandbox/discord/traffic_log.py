"""Everything that went over the wire, in order."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

from sandbox.change_signal import ChangeSignal
from sandbox.json_object import Json

KEPT = 20_000  # of each kind; a long evening at the prompt must not fill the memory


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """One REST request and its answer.

    `template` is the route as Discord's OpenAPI description names it, empty when there is no such route. `request` is
    the JSON body, or the `payload_json` part; `files` are the names and sizes that came with it. `at` is seconds on a
    monotonic clock, `number` counts requests and gateway events together.
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
        """Whether it was meant to change something."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """One gateway message. `sent` is True for the stand-in's own; `name` is the event's, empty for other opcodes."""

    number: int
    at: float
    sent: bool
    shard: int
    op: int
    name: str
    data: Any  # Any: a JSON value


Entry = TypeVar("Entry", HttpExchange, GatewayEvent)


class TrafficLog:
    """Keeps exchanges and gateway events, and tells those who wait for one."""

    def __init__(self) -> None:
        self.requests: deque[HttpExchange] = deque(maxlen=KEPT)
        self.events: deque[GatewayEvent] = deque(maxlen=KEPT)
        self.changed = ChangeSignal()
        self._numbers = 0

    @property
    def number(self) -> int:
        """The number of the newest entry: a place to look from later."""
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
        """Write a request and its answer down."""
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
        """Write a gateway message down."""
        self._numbers += 1
        self.events.append(GatewayEvent(self._numbers, time.monotonic(), sent, shard, op, name, data))
        self.changed.notify()

    def find(self, wanted: Callable[[HttpExchange], bool], *, after: int = 0) -> list[HttpExchange]:
        """The exchanges after entry number `after` that `wanted` says yes to."""
        return list(filter(wanted, _newer(self.requests, after)))

    def list_rate_limited(self) -> list[HttpExchange]:
        """The requests that were answered 429."""
        return self.find(lambda entry: entry.status == 429)

    async def until(
        self, wanted: Callable[[HttpExchange], bool], *, deadline_s: float = 10.0, after: int = 0
    ) -> HttpExchange:
        """Wait for an exchange, or take the first that was there already.

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
        """Wait for a gateway event, or take the first that was there already.

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
    """The entries after that number, oldest first, without a look at those before."""
    return list(takewhile(lambda entry: entry.number > number, reversed(entries)))[::-1]
