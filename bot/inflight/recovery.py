"""Tells people whose answer broke off because the process that wrote it died."""

import asyncio
import logging
from datetime import timedelta
from typing import Final, Protocol

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.inflight.registry import InFlightRegistry
from bot.store.inflight import InFlightAnswer

SWEEP_EVERY_S: Final = 3
"""One small read, as long as nobody died."""

AT_ONCE: Final = 5
"""Answers marked side by side: each has a request bucket of its own."""

GIVEN_UP_AFTER: Final = timedelta(days=1)

logger = logging.getLogger(__name__)


class InterruptionNotifier(Protocol):
    """Reaches the messages of an answer; Discord is behind it."""

    async def mark(self, answer: InFlightAnswer) -> bool:
        """Say that `answer` was interrupted, unless it shows to its end; False where that has to be tried again."""
        ...


class Recovery:
    """Looks for what dead processes left unfinished: at the start, and again and again, since siblings die too."""

    def __init__(self, roster: InFlightRegistry, clock: Clock) -> None:
        self._roster = roster
        self._clock = clock
        self._waiting: dict[int, InFlightAnswer] = {}

    async def run(self, marker: InterruptionNotifier) -> None:
        """Sweep for ever, the first time at once."""
        while True:
            try:
                await self.sweep(marker)
            except StoreUnavailable as error:
                logger.warning("sweep missed", extra={"detail": str(error)})
            except Exception:
                # One strange row must not end the sweeping: the next one may find others.
                logger.exception("sweep failed")
            await self._clock.sleep(SWEEP_EVERY_S)

    async def sweep(self, marker: InterruptionNotifier) -> None:
        """Adopt what dead processes left, and mark it; what cannot be reached just now waits for the next sweep.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        self._waiting |= {answer.id: answer for answer in await self._roster.adopt()}
        gate = asyncio.Semaphore(AT_ONCE)

        async def mark(answer: InFlightAnswer) -> None:
            async with gate:
                told = await marker.mark(answer)
            if not told and unix_ms(self._clock.discord_now() - GIVEN_UP_AFTER) < answer.started_at_ms:
                return
            if not told:
                logger.warning("an interrupted answer could not be marked", extra={"answer": answer.id})
            await self._roster.finish(answer.id)
            self._waiting.pop(answer.id, None)

        async with asyncio.TaskGroup() as marking:
            for answer in list(self._waiting.values()):
                marking.create_task(mark(answer))
