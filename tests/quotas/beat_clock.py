"""A clock for the ledger's beat, whose work is done in other threads: it tells when the beat sleeps again."""

import asyncio

from bot.quotas.ledger import RENEW_INTERVAL_S
from tests.support.clock import FakeClock


class BeatClock(FakeClock):
    """A hand-moved clock that knows its sleeper."""

    def __init__(self) -> None:
        super().__init__()
        self._asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._asleep.set()
        await super().sleep(seconds)

    async def beats(self, count: int) -> None:
        """Let the time of `count` beats pass, and each do its work."""
        for _ in range(count):
            await asyncio.wait_for(self._asleep.wait(), timeout=10)
            self._asleep.clear()
            await self.advance(RENEW_INTERVAL_S)
        await asyncio.wait_for(self._asleep.wait(), timeout=10)
