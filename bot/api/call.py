"""One call to the API with all its attempts: how long it may take, and which failures are tried again."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar

from bot.clock import Clock, backoff_s
from bot.errors import ApiError, ApiRateLimited, ApiTimeout, ApiUnreachable

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_RETRY_AFTER_S = 20.0
_FIRST_DELAY_S = 0.5
_TRANSIENT_STATUSES = (502, 503, 504)

T = TypeVar("T")


class ApiCall:
    """One call: a context manager around all its attempts and everything that it waits for.

    Timeouts: one watcher task serves all waits of a call, one at a time, so that a wait costs neither a task nor a
    timer. Only waits are limited: nothing is interrupted while a consumer processes what it received. The clock's
    `sleep` must take its time (or be advanced by a test); if it returns at once, every timeout passes.

    Retries: up to three attempts, only for transient errors and only before anything was received, with delays that
    double and have jitter, so that callers do not retry in step.

    Args:
        name: what is called, for log records and errors.
        total_s: how long all attempts may take together.
        random: returns numbers from 0 to 1, for the jitter.
    """

    def __init__(self, clock: Clock, name: str, total_s: float, random: Callable[[], float]) -> None:
        self.name = name
        self._clock = clock
        self._random = random
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
            raise ApiTimeout(f"{self.name}: out of time")
        try:
            async with asyncio.timeout(None) as waiting:
                self._start_watcher(waiting, due)
                try:
                    return await work()
                finally:
                    self._current_wait = None
        except TimeoutError:
            # aiohttp's own timeout, the one on connecting, is raised here too.
            raise ApiTimeout(f"{self.name}: no answer in time") from None

    async def retry_stream(self, attempt: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """Yield the items of an attempt; it is retried only if it fails before its first item."""
        attempts = 0
        while True:
            attempts += 1
            has_items = False
            try:
                async with aclosing(attempt()) as items:
                    async for item in items:
                        has_items = True
                        yield item
                return
            except ApiError as error:
                if has_items:
                    raise
                failure = error
            await self._wait_or_raise(attempts, failure)

    async def retry(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of an attempt. One that received something unusable must not raise ApiUnreachable."""
        attempts = 0
        while True:
            attempts += 1
            try:
                return await attempt()
            except ApiError as error:
                failure = error
            await self._wait_or_raise(attempts, failure)

    async def _wait_or_raise(self, attempts: int, failure: ApiError) -> None:
        """Wait before the next attempt, or raise `failure` if it is final."""
        if attempts >= MAX_ATTEMPTS or not _is_transient(failure):
            raise failure
        delay_s = backoff_s(attempts, _FIRST_DELAY_S) * (0.5 + self._random())
        if isinstance(failure, ApiRateLimited) and failure.retry_after is not None:
            # Never earlier than the server asks; the jitter is added.
            delay_s = failure.retry_after + delay_s / 2
        facts = {"call": self.name, "attempt": attempts, "detail": str(failure), "retry_in_s": round(delay_s, 1)}
        logger.warning("API attempt failed", extra=facts)
        await self._clock.sleep(delay_s)

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


def _is_transient(failure: ApiError) -> bool:
    """Return whether the same request may work in a moment."""
    if isinstance(failure, ApiRateLimited):
        return failure.retry_after is None or failure.retry_after <= MAX_RETRY_AFTER_S
    return isinstance(failure, ApiUnreachable) or failure.status in _TRANSIENT_STATUSES
