"""A concurrency limit whose waiting line is shared fairly among those who wait."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

MAX_WAITING = 200
MAX_WAITING_PER_OWNER = 20


class LimitFull(Exception):
    """More wait already than makes sense."""


class FairLimit:
    """Lets `max_running` blocks run, and `each` of one owner; free places go round among the owners that wait.

    So nobody's many or slow blocks hold up those of others for longer than one of them takes. Waiting can be
    cancelled at any moment.
    """

    def __init__(self, max_running: int, *, max_per_owner: int = 1) -> None:
        self._max_running = max_running
        self._max_per_owner = max_per_owner
        self._running: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a place, and hold it while the block runs.

        Raises:
            LimitFull: too many wait, of this owner or in all.
        """
        if self._running.total() < self._max_running and self._running[owner] < self._max_per_owner:
            self._running[owner] += 1
        else:
            await self._wait(owner)
        try:
            yield
        finally:
            self._leave(owner)

    async def _wait(self, owner: Hashable) -> None:
        own = self._waiting.get(owner, ())
        if len(own) >= MAX_WAITING_PER_OWNER or self.waiting >= MAX_WAITING:
            raise LimitFull
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._give_up(owner, place)
            else:  # the place was given in the same moment
                self._leave(owner)
            raise

    def _give_up(self, owner: Hashable, place: asyncio.Future[None]) -> None:
        own = self._waiting.get(owner)
        if own is not None and place in own:
            own.remove(place)
            if not own:
                del self._waiting[owner]

    def _leave(self, owner: Hashable) -> None:
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        while self._running.total() < self._max_running:
            following = next((each for each in self._waiting if self._running[each] < self._max_per_owner), None)
            if following is None:
                return
            own = self._waiting.pop(following)
            place = own.popleft()
            if own:
                self._waiting[following] = own  # behind the other owners
            if not place.cancelled():
                self._running[following] += 1
                place.set_result(None)
