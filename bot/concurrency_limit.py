"""How many answers run at once, for one member and in one channel; the others wait in a queue, in the order they came.

Kept in memory, for one process. A thread's answers count with those of its channel.
"""

import asyncio
import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import QueueFull, QueueTimeout, ShuttingDown

MAX_QUEUE_LENGTH: Final = 1000
"""So many can wait in one channel: those beyond it would run into `MAX_WAIT_S`."""

MAX_WAIT_S: Final = 600.0
"""Discord lets an interaction be answered for 15 minutes; the answer itself needs some of them."""

POLL_INTERVAL_S: Final = 5.0
"""How often those who wait check their position."""

NotifyPosition = Callable[[int], Awaitable[None]]
"""Notifies the member who waits of how many are before them."""

logger = logging.getLogger(__name__)


class Slot:
    """Room for one answer: enter it, await `wait`, do the work; leaving starts the next, whatever happened.

    Args:
        limiter: what made it.
        member_id: whose answer it is.
        channel_id: where it counts.
    """

    def __init__(self, limiter: "ConcurrencyLimiter", member_id: int, channel_id: int) -> None:
        self.member_id = member_id
        self.channel_id = channel_id
        self.number = -1
        """Its number in the order of all that ever waited."""
        self.running = False
        self.ready = asyncio.Event()
        """Set when the wait is over: `running`, or the limiter is closed."""
        self._limiter = limiter

    async def wait(self, notify: NotifyPosition) -> bool:
        """Wait until the answer may start, which is at once below the limits; return whether there was a wait.

        Meanwhile `notify` gets how many are before it: at first, and each time that number has halved.

        Raises:
            QueueTimeout: the member would not get the answer any more.
            ShuttingDown: no more answers start.
        """
        if self.ready.is_set():
            return False
        clock = self._limiter.clock
        since = clock.monotonic()
        notified: int | None = None
        while not self.ready.is_set():
            position = self._limiter.position_of(self)
            if notified is None or position <= notified // 2 < notified:
                await notify(position)
                notified = position
            if clock.monotonic() - since >= MAX_WAIT_S:
                raise QueueTimeout
            await self._wait_ready(POLL_INTERVAL_S)
        if self._limiter.closed:
            raise ShuttingDown
        if notified:
            await notify(0)
        logger.info(
            "queued",
            extra={
                "user": self.member_id,
                "channel": self.channel_id,
                "waited_ms": round((clock.monotonic() - since) * 1000),
            },
        )
        return True

    async def _wait_ready(self, timeout_s: float) -> None:
        waits = [
            asyncio.ensure_future(self._limiter.clock.sleep(timeout_s)),
            asyncio.ensure_future(self.ready.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def __aenter__(self) -> Self:
        self._limiter.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._limiter.leave(self)


class ConcurrencyLimiter:
    """Keeps the answers that run below the limits, and the queue of the others.

    Args:
        clock: measures the wait.
        member: answers for one member at once; None for any number.
        channel: answers in one channel at once; None for any number.
    """

    def __init__(self, clock: Clock, *, member: int | None, channel: int | None) -> None:
        self.clock = clock
        self.closed = False
        self._member_limit = member
        self._channel_limit = channel
        self._numbers = itertools.count()
        self._running_by_member: Counter[int] = Counter()
        self._running_by_channel: Counter[int] = Counter()
        # Those who wait, by number: first come, first in the dictionary.
        self._queue_by_member: dict[int, dict[int, Slot]] = {}
        self._queue_by_channel: dict[int, dict[int, Slot]] = {}

    def slot(self, requester: RequestContext) -> Slot:
        """Return a slot for an answer to `requester`; it counts once it is entered."""
        return Slot(self, requester.user_id, requester.settings_channel_id)

    def enter(self, slot: Slot) -> None:
        """Start `slot` below the limits, else put it into the queue.

        Raises:
            QueueFull: too many wait in that channel.
            ShuttingDown: no more answers start.
        """
        if self.closed:
            raise ShuttingDown
        if self._is_below_limits(slot):
            self._start(slot)
            return
        queue = self._queue_by_channel.setdefault(slot.channel_id, {})
        if len(queue) >= MAX_QUEUE_LENGTH:
            raise QueueFull
        slot.number = next(self._numbers)
        queue[slot.number] = slot
        self._queue_by_member.setdefault(slot.member_id, {})[slot.number] = slot

    def leave(self, slot: Slot) -> None:
        """Remove `slot`, running or waiting, and start those that are below the limits now."""
        if not slot.running:
            self._remove_from_queue(slot)
            return
        slot.running = False
        for counts, key in ((self._running_by_member, slot.member_id), (self._running_by_channel, slot.channel_id)):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]
        if not self.closed:
            self._start_waiting(slot)

    def position_of(self, slot: Slot) -> int:
        """Return how many came before `slot` and wait under the same limit."""
        queue = self._queue_by_member.get(slot.member_id, {})
        if self._is_reached(self._channel_limit, self._running_by_channel[slot.channel_id]):
            queue = self._queue_by_channel.get(slot.channel_id, {})
        return sum(1 for _ in itertools.takewhile(lambda number: number < slot.number, queue))

    def close(self) -> None:
        """Start no more answers; `Slot.wait` raises for those that wait."""
        self.closed = True
        for queue in self._queue_by_channel.values():
            for slot in queue.values():
                slot.ready.set()

    @property
    def running(self) -> int:
        """Return how many answers run."""
        return self._running_by_member.total()

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return sum(len(queue) for queue in self._queue_by_channel.values())

    def _is_below_limits(self, slot: Slot) -> bool:
        return not (
            self._is_reached(self._member_limit, self._running_by_member[slot.member_id])
            or self._is_reached(self._channel_limit, self._running_by_channel[slot.channel_id])
        )

    def _is_reached(self, limit: int | None, count: int) -> bool:
        return limit is not None and count >= limit

    def _start(self, slot: Slot) -> None:
        self._running_by_member[slot.member_id] += 1
        self._running_by_channel[slot.channel_id] += 1
        slot.running = True
        slot.ready.set()

    def _start_waiting(self, left: Slot) -> None:
        """Start those that waited under the limits of `left`, in the order they came."""
        member_id, channel_id = left.member_id, left.channel_id
        limits = [
            (self._queue_by_member.get(member_id, {}), self._running_by_member, member_id, self._member_limit),
            (self._queue_by_channel.get(channel_id, {}), self._running_by_channel, channel_id, self._channel_limit),
        ]
        limited = [each for each in limits if each[3] is not None]
        started: list[Slot] = []
        for _, slot in heapq.merge(*(queue.items() for queue, *_ in limited), key=lambda item: item[0]):
            if all(self._is_reached(limit, counts[key]) for _, counts, key, limit in limited):
                break
            if not slot.running and self._is_below_limits(slot):  # one that is in both queues comes twice
                self._start(slot)
                started.append(slot)
        for slot in started:
            self._remove_from_queue(slot)

    def _remove_from_queue(self, slot: Slot) -> None:
        for queues, key in ((self._queue_by_member, slot.member_id), (self._queue_by_channel, slot.channel_id)):
            queue = queues.get(key, {})
            queue.pop(slot.number, None)
            if not queue:
                queues.pop(key, None)
