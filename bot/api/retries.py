"""When a failed try is followed by another: before anything came, and only where waiting helps."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from bot.clock import Clock
from bot.errors import ApiError, ApiRateLimited, ApiUnreachable

_log = logging.getLogger(__name__)

MAX_TRIES = 3
MAX_RETRY_AFTER_S = 20.0
_FIRST_PAUSE_S = 0.5
_PASSING_STATUSES = (502, 503, 504)

T = TypeVar("T")


class Retries:
    """Repeats a call at most three times, with pauses that double and vary so that callers do not come back in step."""

    def __init__(self, clock: Clock, random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random

    async def retry_stream(self, call: str, attempt: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """Yield what an attempt yields; its failure is followed by another attempt only before its first item."""
        tried = 0
        while True:
            tried += 1
            began = False
            try:
                async with aclosing(attempt()) as items:
                    async for item in items:
                        began = True
                        yield item
                return
            except ApiError as error:
                if began:
                    raise
                failure = error
            await self._pause(call, tried, failure)

    async def retry_call(self, call: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Give what an attempt gives. An attempt that got something it cannot use must not fail as ApiUnreachable."""
        tried = 0
        while True:
            tried += 1
            try:
                return await attempt()
            except ApiError as error:
                failure = error
            await self._pause(call, tried, failure)

    async def _pause(self, call: str, tried: int, failure: ApiError) -> None:
        """Wait for the next try, or raise `failure` if there is to be none."""
        if tried >= MAX_TRIES or not _may_pass(failure):
            raise failure
        pause_s = _FIRST_PAUSE_S * 2 ** (tried - 1) * (0.5 + self._random())
        if isinstance(failure, ApiRateLimited) and failure.retry_after is not None:
            # Never earlier than asked; the spread goes on top.
            pause_s = failure.retry_after + pause_s / 2
        _log.warning("%s: try %d of %d failed (%s), next in %.1f s", call, tried, MAX_TRIES, failure, pause_s)
        await self._clock.sleep(pause_s)


def _may_pass(failure: ApiError) -> bool:
    """Whether the same request may work in a moment."""
    if isinstance(failure, ApiRateLimited):
        return failure.retry_after is None or failure.retry_after <= MAX_RETRY_AFTER_S
    return isinstance(failure, ApiUnreachable) or failure.status in _PASSING_STATUSES
