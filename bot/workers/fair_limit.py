"""A concurrency limit that is fair to the owners of the tasks that wait for it."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

MAX_WAITING = 200
MAX_WAITING_PER_OWNER = 20


class LimitFull(Exception):
    """Too many tasks wait already."""


class FairLimit:
    """Lets `max_running` blocks run, `max_per_owner` of one owner; owners that wait are served round robin.

    So many or slow blocks of one owner delay those of others by one block at most. Waiting can be cancelled at any
    moment.
    """

    def __init__(self, max_running: int, *, max_per_owner: int = 1) -> None:
        self._max_running = max_running
        self._max_per_owner = max_per_owner
        self._running: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """The number of waiting tasks."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a slot and hold it while the block runs.

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
            self._release(owner)

    async def _wait(self, owner: Hashable) -> None:
        queue = self._waiting.get(owner, ())
        if len(queue) >= MAX_WAITING_PER_OWNER or self.waiting >= MAX_WAITING:
            raise LimitFull
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._remove_waiter(owner, future)
            else:  # it got the slot in the same moment
                self._release(owner)
            raise

    def _remove_waiter(self, owner: Hashable, future: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner)
        if queue is not None and future in queue:
            queue.remove(future)
            if not queue:
                del self._waiting[owner]

    def _release(self, owner: Hashable) -> None:
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        while self._running.total() < self._max_running:
            next_owner = next((each for each in self._waiting if self._running[each] < self._max_per_owner), None)
            if next_owner is None:
                return
            queue = self._waiting.pop(next_owner)
            future = queue.popleft()
            if queue:
                self._waiting[next_owner] = queue  # behind the other owners
            if not future.cancelled():
                self._running[next_owner] += 1
                future.set_result(None)
