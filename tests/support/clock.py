"""A clock that stands still until a test moves it, so that ten minutes pass in none."""

import asyncio
import heapq
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TypeVar

from bot.clock import DiscordTime

T = TypeVar("T")


class FakeClock(DiscordTime):
    """A `bot.clock.Clock` under a test's control.

    `advance` moves it by hand; `drive` runs an awaitable and jumps from one sleeper's end to the next by itself.
    Both let everything that is ready run first, so the order of events is the same each time. The wall clock alone is
    set by `step`. Discord has told the time already, unless `told` is False.
    """

    def __init__(self, start: datetime = datetime(2026, 9, 1, 12, 0, tzinfo=UTC), *, told: bool = True) -> None:
        self._start = start
        self._stepped = timedelta()
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = 0
        if told:
            self.hear_from_discord()

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self._elapsed

    def now(self) -> datetime:
        """The present moment in UTC."""
        return self._start + timedelta(seconds=self._elapsed) + self._stepped

    def step(self, by: timedelta) -> None:
        """Set the wall clock forward, or back."""
        self._stepped += by

    def hear_from_discord(self) -> None:
        """Have Discord tell the true time, to the second as it does."""
        self.learn_discord_time(format_datetime(self._start + timedelta(seconds=self._elapsed), usegmt=True))

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved on by `seconds`."""
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


async def settle() -> None:
    """Let every task run until all of them wait for time, for input or for one another."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)
    # asyncio has no public name for "something can run now", and no event that tells.
    while loop._ready:  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(0)
