"""Retries: only before anything was received, and only for transient errors."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from bot.clock import Clock
from bot.errors import ApiError, ApiRateLimited, ApiUnreachable

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_RETRY_AFTER_S = 20.0
_FIRST_DELAY_S = 0.5
_TRANSIENT_STATUSES = (502, 503, 504)

T = TypeVar("T")


class Retries:
    """Makes up to three attempts, with delays that double and have jitter, so that callers do not retry in step."""

    def __init__(self, clock: Clock, random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random

    async def retry_stream(self, call: str, attempt: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
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
            await self._wait_or_raise(call, attempts, failure)

    async def retry_call(self, call: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of an attempt. One that received something unusable must not raise ApiUnreachable."""
        attempts = 0
        while True:
            attempts += 1
            try:
                return await attempt()
            except ApiError as error:
                failure = error
            await self._wait_or_raise(call, attempts, failure)

    async def _wait_or_raise(self, call: str, attempts: int, failure: ApiError) -> None:
        """Wait before the next attempt, or raise `failure` if it is final."""
        if attempts >= MAX_ATTEMPTS or not _is_transient(failure):
            raise failure
        delay_s = _FIRST_DELAY_S * 2 ** (attempts - 1) * (0.5 + self._random())
        if isinstance(failure, ApiRateLimited) and failure.retry_after is not None:
            # Never earlier than the server asks; the jitter is added.
            delay_s = failure.retry_after + delay_s / 2
        facts = {"call": call, "attempt": attempts, "detail": str(failure), "retry_in_s": round(delay_s, 1)}
        logger.warning("API attempt failed", extra=facts)
        await self._clock.sleep(delay_s)


def _is_transient(failure: ApiError) -> bool:
    """Return whether the same request may work in a moment."""
    if isinstance(failure, ApiRateLimited):
        return failure.retry_after is None or failure.retry_after <= MAX_RETRY_AFTER_S
    return isinstance(failure, ApiUnreachable) or failure.status in _TRANSIENT_STATUSES
