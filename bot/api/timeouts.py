"""Time limits on waiting, measured on the clock that is passed in."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from bot.clock import Clock
from bot.errors import ApiTimeout

T = TypeVar("T")


class CallTimeouts:
    """The limits of one call. Used as a context manager, around everything the call waits for.

    One watching task serves all waits of a call, one at a time, so that a wait costs neither a task nor a timer. Only
    waits are limited: while a consumer ponders over what it got, nothing is interrupted. The clock's `sleep` must
    really take its time (or be advanced by a test); one that returns at once lets every limit pass.
    """

    def __init__(self, clock: Clock, call: str, total_s: float) -> None:
        self._clock = clock
        self._call = call
        self._whole_due = clock.monotonic() + total_s
        self._waiting: asyncio.Timeout | None = None
        self._due = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._wakes_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def after(self, seconds: float) -> float:
        """The moment `seconds` from now, or the end of the whole call if that is sooner."""
        return min(self._clock.monotonic() + seconds, self._whole_due)

    async def wait(self, work: Callable[[], Awaitable[T]], due: float) -> T:
        """Do `work`, unless the clock reaches `due` first.

        Raises:
            ApiTimeout: it did.
        """
        if self._clock.monotonic() >= due:
            raise ApiTimeout(f"{self._call}: out of time")
        try:
            async with asyncio.timeout(None) as waiting:
                self._arm(waiting, due)
                try:
                    return await work()
                finally:
                    self._waiting = None
        except TimeoutError:
            # aiohttp's own limit, the one on connecting, ends here too.
            raise ApiTimeout(f"{self._call}: no answer in time") from None

    def _arm(self, waiting: asyncio.Timeout, due: float) -> None:
        self._waiting = waiting
        self._due = due
        if self._watch is None or self._watch.done() or self._wakes_at > due:
            if self._watch is not None:
                self._watch.cancel()
            self._wakes_at = due
            self._watch = asyncio.create_task(self._interrupt_when_due(), name="api timeouts")

    async def _interrupt_when_due(self) -> None:
        """Sleep to the deadline; look whether it has moved on meanwhile; interrupt the wait if it has not."""
        slept_until = self._clock.monotonic()
        while self._waiting is not None and slept_until < self._due:
            self._wakes_at = self._due
            await self._clock.sleep(self._wakes_at - slept_until)
            slept_until = max(self._wakes_at, self._clock.monotonic())
        if self._waiting is not None:
            self._waiting.reschedule(0)
