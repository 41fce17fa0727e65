"""Shares one rate-limit bucket among the answers of a channel: which may make the next request, and when."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from bot.clock import Clock
from bot.streaming.message_streamer import RESERVED_REQUESTS, ROUNDING_S
from bot.streaming.output import RateLimitBucket
from bot.tasks import sleep_unless


class FairEditScheduler:
    """Allows one request at a time, first come, first served, spread over the time until the bucket's reset.

    An answer queues behind all others for each of its requests, so each of n answers gets an nth of the bucket. An
    answer that is alone leaves a request for its final edit.
    """

    def __init__(self, bucket: RateLimitBucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock
        self._lock = asyncio.Lock()
        self._last_ended = 0.0
        self._sharers = 0

    @contextmanager
    def share(self) -> Iterator[None]:
        """Count an answer among those that share the bucket, for as long as the block runs."""
        self._sharers += 1
        try:
            yield
        finally:
            self._sharers -= 1

    @asynccontextmanager
    async def edit_slot(self, urgent: asyncio.Event) -> AsyncIterator[None]:
        """Wait until a request may be made; make it within the block.

        Once `urgent` is set, a request may be made as soon as one remains, however close to the one before.
        """
        async with self._lock:
            while (pause_s := self._pause_s(urgent=urgent.is_set())) > ROUNDING_S:
                if urgent.is_set():
                    await self._clock.sleep(pause_s)
                else:
                    await sleep_unless(self._clock, urgent, pause_s)
            try:
                yield
            finally:
                self._last_ended = self._clock.monotonic()

    def _pause_s(self, *, urgent: bool) -> float:
        remaining, reset_after_s = self._bucket.remaining(), self._bucket.reset_after_s()
        if remaining is None or (urgent and remaining > 0):
            return 0.0
        spare = remaining if urgent or self._sharers > 1 else remaining - RESERVED_REQUESTS
        if spare <= 0:
            return reset_after_s
        # Wait until the time since the last request is a fair share of what then remains (see the pacer).
        since = self._clock.monotonic() - self._last_ended
        return (reset_after_s - spare * since) / (spare + 1)
