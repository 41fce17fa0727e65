"""One bucket of requests that several answers share: who may make the next one, and when."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from bot.clock import Clock
from bot.streaming.output import RateLimitBucket
from bot.streaming.pacer import KEPT_BACK

_INSTANT_S: Final = 0.001
"""What rounding leaves of a pause that is over."""


class FairEditScheduler:
    """Lets one request through after the other, first come, first served, spread over what the bucket allows.

    Whoever wants to make many waits behind everybody else between any two of theirs: so each of n answers gets an nth
    of the bucket. An answer that is alone leaves a request for its last edit.
    """

    def __init__(self, bucket: RateLimitBucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock
        self._free = asyncio.Lock()
        self._ended = 0.0
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
        """Wait for one's turn, and make the request within the block.

        Once `urgent` is set a request is made as soon as there is one left, however close to the one before.
        """
        async with self._free:
            while (pause := self._pause(urgent=urgent.is_set())) > _INSTANT_S:
                await self._rest(pause, urgent)
            try:
                yield
            finally:
                self._ended = self._clock.monotonic()

    def _pause(self, *, urgent: bool) -> float:
        left, reset_after_s = self._bucket.remaining(), self._bucket.reset_after_s()
        if left is None or (urgent and left > 0):
            return 0.0
        spare = left if urgent or self._sharers > 1 else left - KEPT_BACK
        if spare <= 0:
            return reset_after_s
        # Wait until the time since the last request is a fair share of what then remains (see the pacer).
        since = self._clock.monotonic() - self._ended
        return (reset_after_s - spare * since) / (spare + 1)

    async def _rest(self, seconds: float, urgent: asyncio.Event) -> None:
        """Wait for `seconds`, or less when it becomes urgent."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds))]
        if not urgent.is_set():
            waits.append(asyncio.ensure_future(_set(urgent)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
