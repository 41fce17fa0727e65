"""Marks answers as interrupted whose process has died."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, Protocol

from bot.clock import Clock, unix_ms
from bot.inflight.registry import InFlightRegistry
from bot.store.inflight import InFlightAnswer
from bot.tasks import background_loop

SWEEP_INTERVAL_S: Final = 3
"""A sweep is one small read while no process has died."""

MAX_CONCURRENT: Final = 5
"""Answers marked at the same time: each has a rate-limit bucket of its own."""

GIVE_UP_AFTER: Final = timedelta(days=1)

logger = logging.getLogger(__name__)


class InterruptionNotifier(Protocol):
    """Marks the messages of an answer: the wall between recovery and Discord."""

    async def notify_interrupted(self, answer: InFlightAnswer) -> bool:
        """Show that `answer` was interrupted, unless it is shown completely; return False to be called again later."""
        ...


class Recovery:
    """Finds requests of dead processes: at the start, and regularly, since other processes die as well."""

    def __init__(self, registry: InFlightRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._pending: dict[int, InFlightAnswer] = {}

    def running(self, notifier: InterruptionNotifier) -> AbstractAsyncContextManager[None]:
        """Sweep regularly while the block runs, the first time at once."""
        return background_loop(
            lambda: self.sweep(notifier), SWEEP_INTERVAL_S, self._clock, name="recovery sweep", at_once=True
        )

    async def sweep(self, notifier: InterruptionNotifier) -> None:
        """Take over the requests of dead processes and mark their answers; failed marks wait for the next sweep.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        self._pending |= {answer.id: answer for answer in await self._registry.take_over_dead_processes()}
        limit = asyncio.Semaphore(MAX_CONCURRENT)

        async def notify(answer: InFlightAnswer) -> None:
            async with limit:
                is_done = await notifier.notify_interrupted(answer)
            if not is_done and unix_ms(self._clock.discord_now() - GIVE_UP_AFTER) < answer.started_at_ms:
                return
            if not is_done:
                logger.warning("interrupted answer never marked", extra={"answer": answer.id})
            await self._registry.finish(answer.id)
            self._pending.pop(answer.id, None)

        async with asyncio.TaskGroup() as group:
            for answer in list(self._pending.values()):
                group.create_task(notify(answer))
