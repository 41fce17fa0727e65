"""How many answers run at once, of one member and in one channel; the others wait in line, first come, first served.

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

LONGEST_LINE: Final = 1000
"""So many may wait in one channel: beyond it nobody would live to see their turn."""

LONGEST_WAIT_S: Final = 600.0
"""Discord lets an interaction be answered for 15 minutes; the answer itself needs some of them."""

LOOK_EVERY_S: Final = 5.0
"""How often those who wait look how far they have come."""

Tell = Callable[[int], Awaitable[None]]
"""Tells the person who waits how many are before them."""

log = logging.getLogger(__name__)


class Slot:
    """One answer's place: enter it, await `turn`, do the work; leaving gives the place to the next, whatever happened.

    Args:
        lanes: where it was drawn.
        member_id: whose answer it is.
        channel_id: where it counts.
    """

    def __init__(self, lanes: "ConcurrencyLimiter", member_id: int, channel_id: int) -> None:
        self.member_id = member_id
        self.channel_id = channel_id
        self.number = -1
        self.running = False
        self.called = asyncio.Event()
        self._lanes = lanes

    async def turn(self, tell: Tell) -> bool:
        """Wait until the answer may start, which is at once where there is room; return whether there was a wait.

        Meanwhile `tell` is told how many are before it: at first, and when those have halved.

        Raises:
            QueueTimeout: the person would not get the answer any more.
            ShuttingDown: no more answers start.
        """
        if self.called.is_set():
            return False
        clock = self._lanes.clock
        since = clock.monotonic()
        told: int | None = None
        while not self.called.is_set():
            before = self._lanes.before(self)
            if told is None or before <= told // 2 < told:
                await tell(before)
                told = before
            if clock.monotonic() - since >= LONGEST_WAIT_S:
                raise QueueTimeout
            await self._called_within(LOOK_EVERY_S)
        if self._lanes.closed:
            raise ShuttingDown
        if told:
            await tell(0)
        log.info(
            "waited in line",
            extra={
                "user": self.member_id,
                "channel": self.channel_id,
                "waited_ms": round((clock.monotonic() - since) * 1000),
            },
        )
        return True

    async def _called_within(self, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(self._lanes.clock.sleep(seconds)),
            asyncio.ensure_future(self.called.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def __aenter__(self) -> Self:
        self._lanes.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lanes.leave(self)


class ConcurrencyLimiter:
    """Knows what runs and who waits.

    Args:
        member: answers of one member at once; None for any number.
        channel: answers in one channel at once; None for any number.
    """

    def __init__(self, clock: Clock, *, member: int | None, channel: int | None) -> None:
        self.clock = clock
        self.closed = False
        self._most_of_member = member
        self._most_in_channel = channel
        self._numbers = itertools.count()
        self._of_member: Counter[int] = Counter()
        self._in_channel: Counter[int] = Counter()
        # Who waits, by number: first come, first in the dictionary.
        self._members_line: dict[int, dict[int, Slot]] = {}
        self._channels_line: dict[int, dict[int, Slot]] = {}

    def ticket(self, requester: RequestContext) -> Slot:
        """Draw a ticket for an answer to `requester`; it counts once it is entered."""
        return Slot(self, requester.user_id, requester.settings_channel_id)

    def enter(self, ticket: Slot) -> None:
        """Start `ticket` where there is room, else put it in line.

        Raises:
            QueueFull: too many wait in that channel.
            ShuttingDown: no more answers start.
        """
        if self.closed:
            raise ShuttingDown
        if self._fits(ticket):
            self._start(ticket)
            return
        line = self._channels_line.setdefault(ticket.channel_id, {})
        if len(line) >= LONGEST_LINE:
            raise QueueFull
        ticket.number = next(self._numbers)
        line[ticket.number] = ticket
        self._members_line.setdefault(ticket.member_id, {})[ticket.number] = ticket

    def leave(self, ticket: Slot) -> None:
        """Take `ticket` out, running or waiting, and start those who fit now."""
        if not ticket.running:
            self._unline(ticket)
            return
        ticket.running = False
        for counts, key in ((self._of_member, ticket.member_id), (self._in_channel, ticket.channel_id)):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]
        if not self.closed:
            self._call_next(ticket)

    def before(self, ticket: Slot) -> int:
        """Count those who wait for the same room and came first."""
        line = self._members_line.get(ticket.member_id, {})
        if self._full(self._in_channel[ticket.channel_id], self._most_in_channel):
            line = self._channels_line.get(ticket.channel_id, {})
        return sum(1 for _ in itertools.takewhile(lambda number: number < ticket.number, line))

    def close(self) -> None:
        """Let nobody start any more; those who wait are told so."""
        self.closed = True
        for line in self._channels_line.values():
            for ticket in line.values():
                ticket.called.set()

    @property
    def running(self) -> int:
        """How many answers run."""
        return self._of_member.total()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(line) for line in self._channels_line.values())

    def _fits(self, ticket: Slot) -> bool:
        return not (
            self._full(self._of_member[ticket.member_id], self._most_of_member)
            or self._full(self._in_channel[ticket.channel_id], self._most_in_channel)
        )

    def _full(self, count: int, most: int | None) -> bool:
        return most is not None and count >= most

    def _start(self, ticket: Slot) -> None:
        self._of_member[ticket.member_id] += 1
        self._in_channel[ticket.channel_id] += 1
        ticket.running = True
        ticket.called.set()

    def _call_next(self, left: Slot) -> None:
        """Start those who waited for the room that `left` gave up, in the order they came."""
        rooms = [
            (self._members_line.get(left.member_id, {}), self._of_member, left.member_id, self._most_of_member),
            (self._channels_line.get(left.channel_id, {}), self._in_channel, left.channel_id, self._most_in_channel),
        ]
        limited = [room for room in rooms if room[3] is not None]
        called: list[Slot] = []
        for _, ticket in heapq.merge(*(line.items() for line, *_ in limited), key=lambda entry: entry[0]):
            if all(self._full(counts[key], most) for _, counts, key, most in limited):
                break
            if not ticket.running and self._fits(ticket):  # one that stands in both lines comes twice
                self._start(ticket)
                called.append(ticket)
        for ticket in called:
            self._unline(ticket)

    def _unline(self, ticket: Slot) -> None:
        for lines, key in ((self._members_line, ticket.member_id), (self._channels_line, ticket.channel_id)):
            line = lines.get(key, {})
            line.pop(ticket.number, None)
            if not line:
                lines.pop(key, None)
