"""How many answers run at once, for one member and in one channel; the others wait in a queue, in the order they came.

Kept in memory, for one process. A thread's answers count with those of its channel.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakValueDictionary

from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import QueueFull, QueueTimeout, ShuttingDown
from bot.tasks import BackgroundTasks, sleep_unless

MAX_QUEUE_LENGTH: Final = 1000
"""So many can wait in one channel: those beyond it would run into `MAX_WAIT_S`."""

MAX_WAIT_S: Final = 600.0
"""Discord lets an interaction be answered for 15 minutes; the answer itself needs some of them."""

POLL_INTERVAL_S: Final = 5.0
"""How often those who wait check their position."""

NotifyPosition = Callable[[int], Coroutine[Any, Any, None]]  # Any: what a coroutine sends and is sent
"""Notifies the member who waits of how many are before them."""

logger = logging.getLogger(__name__)


@dataclass(slots=True, weakref_slot=True, eq=False)
class Limit:
    """The answers of one member, or in one channel: how many run, and which wait."""

    max_running: int | None
    running: int = 0
    queue: dict[int, "Slot"] = field(default_factory=dict)
    """Those who wait, by number: first come, first in the dictionary."""

    @property
    def is_reached(self) -> bool:
        """Return whether no more may run."""
        return self.max_running is not None and self.running >= self.max_running


class Slot:
    """Room for one answer: enter it, await `wait`, do the work; leaving starts the next, whatever happened.

    Args:
        limiter: what made it.
        requester: whose answer it is.
        member: the member's limit.
        channel: the limit of the channel where it counts.
    """

    def __init__(self, limiter: "ConcurrencyLimiter", requester: RequestContext, member: Limit, channel: Limit) -> None:
        self.member = member
        self.channel = channel
        self.number = -1
        """Its number in the order of all that ever waited."""
        self.running = False
        self.ready = asyncio.Event()
        """Set when the wait is over: `running`, or the limiter is closed."""
        self._limiter = limiter
        self._requester = requester

    @property
    def limits(self) -> tuple[Limit, Limit]:
        """Return the limits that it counts under."""
        return self.member, self.channel

    async def wait(self, notify: NotifyPosition) -> bool:
        """Wait until the answer may start, which is at once below the limits; return whether there was a wait.

        Meanwhile `notify` gets how many are before it: at first, and each time that number has halved. A cancellation
        does not cut it off, as it may have sent a request.

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
                await self._limiter.notices.run_shielded(notify(position))
                notified = position
            if clock.monotonic() - since >= MAX_WAIT_S:
                raise QueueTimeout
            await sleep_unless(clock, self.ready, POLL_INTERVAL_S)
        if self._limiter.closed:
            raise ShuttingDown
        if notified:
            await self._limiter.notices.run_shielded(notify(0))
        logger.info(
            "queued",
            extra={
                "user": self._requester.user_id,
                "channel": self._requester.settings_channel_id,
                "waited_ms": round((clock.monotonic() - since) * 1000),
            },
        )
        return True

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
        self.notices = BackgroundTasks()
        self._member_limit = member
        self._channel_limit = channel
        self._numbers = itertools.count()
        # The limits of those with slots, and no others: each is kept by its slots alone.
        self._members: WeakValueDictionary[int, Limit] = WeakValueDictionary()
        self._channels: WeakValueDictionary[int, Limit] = WeakValueDictionary()

    def slot(self, requester: RequestContext) -> Slot:
        """Return a slot for an answer to `requester`; it counts once it is entered."""
        member = self._members.setdefault(requester.user_id, Limit(self._member_limit))
        channel = self._channels.setdefault(requester.settings_channel_id, Limit(self._channel_limit))
        return Slot(self, requester, member, channel)

    def enter(self, slot: Slot) -> None:
        """Start `slot` below the limits, else put it into the queue.

        Raises:
            QueueFull: too many wait in that channel.
            ShuttingDown: no more answers start.
        """
        if self.closed:
            raise ShuttingDown
        if not any(limit.is_reached for limit in slot.limits):
            self._start(slot)
            return
        if len(slot.channel.queue) >= MAX_QUEUE_LENGTH:
            raise QueueFull
        slot.number = next(self._numbers)
        for limit in slot.limits:
            limit.queue[slot.number] = slot

    def leave(self, slot: Slot) -> None:
        """Remove `slot`, running or waiting, and start those that are below the limits now."""
        if not slot.running:
            self._remove_from_queue(slot)
            return
        slot.running = False
        for limit in slot.limits:
            limit.running -= 1
        if not self.closed:
            self._start_waiting(slot)

    def position_of(self, slot: Slot) -> int:
        """Return how many came before `slot` and wait under the same limit."""
        limit = slot.channel if slot.channel.is_reached else slot.member
        return sum(1 for _ in itertools.takewhile(lambda number: number < slot.number, limit.queue))

    def close(self) -> None:
        """Start no more answers; `Slot.wait` raises for those that wait."""
        self.closed = True
        for channel in self._channels.values():
            for slot in channel.queue.values():
                slot.ready.set()

    @property
    def running(self) -> int:
        """Return how many answers run."""
        return sum(member.running for member in self._members.values())

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return sum(len(channel.queue) for channel in self._channels.values())

    def _start(self, slot: Slot) -> None:
        for limit in slot.limits:
            limit.running += 1
        slot.running = True
        slot.ready.set()

    def _start_waiting(self, left: Slot) -> None:
        """Start those that waited under the limits of `left`, in the order they came."""
        limits = [limit for limit in left.limits if limit.max_running is not None]
        queues = [list(limit.queue.values()) for limit in limits]
        for slot in heapq.merge(*queues, key=lambda slot: slot.number):
            if all(limit.is_reached for limit in limits):
                break
            # One that is in both queues comes twice.
            if not slot.running and not any(limit.is_reached for limit in slot.limits):
                self._remove_from_queue(slot)
                self._start(slot)

    def _remove_from_queue(self, slot: Slot) -> None:
        for limit in slot.limits:
            limit.queue.pop(slot.number, None)
