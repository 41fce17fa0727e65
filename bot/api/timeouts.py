"""Timeouts of one API call, measured on the clock that is passed in."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from bot.clock import Clock
from bot.errors import ApiTimeout

T = TypeVar("T")


class CallTimeouts:
    """The timeouts of one call. Use it as a context manager around everything that the call waits for.

    One watcher task serves all waits of a call, one at a time, so that a wait costs neither a task nor a timer. Only
    waits are limited: nothing is interrupted while a consumer processes what it received. The clock's `sleep` must take
    its time (or be advanced by a test); if it returns at once, every timeout passes.
    """

    def __init__(self, clock: Clock, call: str, total_s: float) -> None:
        self._clock = clock
        self._call = call
        self._total_due = clock.monotonic() + total_s
        self._current_wait: asyncio.Timeout | None = None
        self._due = 0.0
        self._watcher: asyncio.Task[None] | None = None
        self._wakes_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def due_in(self, seconds: float) -> float:
        """Return the monotonic time `seconds` from now, or the end of the whole call if that is sooner."""
        return min(self._clock.monotonic() + seconds, self._total_due)

    async def wait(self, work: Callable[[], Awaitable[T]], due: float) -> T:
        """Return the result of `work`, unless the clock reaches `due` first.

        Raises:
            ApiTimeout: it did.
        """
        if self._clock.monotonic() >= due:
            raise ApiTimeout(f"{self._call}: out of time")
        try:
            async with asyncio.timeout(None) as waiting:
                self._start_watcher(waiting, due)
                try:
                    return await work()
                finally:
                    self._current_wait = None
        except TimeoutError:
            # aiohttp's own timeout, the one on connecting, is raised here too.
            raise ApiTimeout(f"{self._call}: no answer in time") from None

    def _start_watcher(self, waiting: asyncio.Timeout, due: float) -> None:
        self._current_wait = waiting
        self._due = due
        if self._watcher is None or self._watcher.done() or self._wakes_at > due:
            if self._watcher is not None:
                self._watcher.cancel()
            self._wakes_at = due
            self._watcher = asyncio.create_task(self._interrupt_when_due(), name="api timeouts")

    async def _interrupt_when_due(self) -> None:
        """Sleep until the current wait is due, again if a later wait replaced it; then interrupt it."""
        slept_until = self._clock.monotonic()
        while self._current_wait is not None and slept_until < self._due:
            self._wakes_at = self._due
            await self._clock.sleep(self._wakes_at - slept_until)
            slept_until = max(self._wakes_at, self._clock.monotonic())
        if self._current_wait is not None:
            self._current_wait.reschedule(0)
