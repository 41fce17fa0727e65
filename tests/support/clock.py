"""The clocks of the tests: one that only a test moves, and a real one on which short pauses take no time."""

import asyncio
import heapq
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TypeVar

from bot.clock import DiscordTime, SystemClock

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

DEADLINE_S = 10
"""For work between two sleeps that takes real time, such as the database's."""

T = TypeVar("T")


class FakeClock(DiscordTime):
    """A `bot.clock.Clock` under a test's control.

    `advance` moves it by hand; `drive` runs an awaitable and jumps from one sleeper's end to the next by itself.
    Both let everything that is ready run first, so the order of events is the same each time. The wall clock alone is
    set by `step`. The time is synchronized with Discord, unless `synchronized` is False. With `skip_sleeps` no sleep
    takes any time.

    `wait_for_sleep`, `sleep_through` and `pass_sleeps` are for one task that sleeps again and again and whose work in
    between takes real time.
    """

    def __init__(self, start: datetime = NOON, *, synchronized: bool = True, skip_sleeps: bool = False) -> None:
        self._start = start
        self._stepped = timedelta()
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = 0
        self.slept_s: list[float] = []
        self._skip_sleeps = skip_sleeps
        self._asleep = asyncio.Event()
        if synchronized:
            self.synchronize()

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self._elapsed

    def now(self) -> datetime:
        """The present moment in UTC."""
        return self._start + timedelta(seconds=self._elapsed) + self._stepped

    def step(self, by: timedelta) -> None:
        """Set the wall clock forward, or back."""
        self._stepped += by

    def synchronize(self) -> None:
        """Learn the true time from Discord, to the second as it tells it."""
        self.learn_discord_time(format_datetime(self._start + timedelta(seconds=self._elapsed), usegmt=True))

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved on by `seconds`."""
        self.slept_s.append(seconds)
        self._asleep.set()
        if self._skip_sleeps:
            return
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._serial += 1
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._serial, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking each sleeper in turn and letting it work before the next."""
        until = self._elapsed + seconds
        await settle()
        while self._next() is not None and self._sleepers[0][0] <= until:
            await self._wake_next()
        self._elapsed = until
        await settle()

    async def wait_for_sleep(self) -> float:
        """Wait until a task sleeps; return for how many seconds."""
        await asyncio.wait_for(self._asleep.wait(), timeout=DEADLINE_S)
        return self.slept_s[-1]

    async def sleep_through(self) -> float:
        """Let the sleep pass and wait for the next one; return for how many seconds that is."""
        await self.pass_sleeps(1, await self.wait_for_sleep())
        return self.slept_s[-1]

    async def pass_sleeps(self, count: int, seconds: float) -> None:
        """Let `count` sleeps of `seconds` pass, and the work after each."""
        for _ in range(count):
            await self.wait_for_sleep()
            self._asleep.clear()
            await self.advance(seconds)
        await self.wait_for_sleep()

    async def drive(self, work: Awaitable[T]) -> T:
        """Await `work`, moving the clock to the next sleeper whenever nothing else can run.

        For work that waits for nothing but this clock. A sleeper missing means a deadlock, and says so.
        """
        task = asyncio.ensure_future(work)
        await settle()
        while not task.done():
            assert self._next() is not None, "nothing left to wait for, and the work is not done"
            await self._wake_next()
        return task.result()

    def _next(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():  # cancelled in its sleep
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    async def _wake_next(self) -> None:
        when, _, woken = heapq.heappop(self._sleepers)
        self._elapsed = max(self._elapsed, when)
        if not woken.done():
            woken.set_result(None)
        await settle()


class ShortPauseClock(SystemClock):
    """A real clock on which sleeps below `skip_below_s` take no time and are recorded; `now` is fixed if given."""

    def __init__(self, now: datetime | None = None, *, skip_below_s: float = 30) -> None:
        self.slept_s: list[float] = []
        self._now = now
        self._skip_below_s = skip_below_s

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return self._now or datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait, if it is long."""
        if seconds < self._skip_below_s:
            self.slept_s.append(seconds)
        await asyncio.sleep(seconds if seconds >= self._skip_below_s else 0)


async def settle() -> None:
    """Let every task run until all of them wait for time, for input or for one another."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)
    # asyncio has no public name for "something can run now", and no event that tells.
    while loop._ready:  # type: ignore[attr-defined]  # noqa: ASYNC110 - the loop has no event for it
        await asyncio.sleep(0)
