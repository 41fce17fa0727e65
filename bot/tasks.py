"""Work that goes on in the background and belongs to nobody's request, but is put away in good order."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundTasks:
    """Owns tasks: none is lost, and what fails unheard is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()  # Any: their results belong to whoever started them

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":  # Any: what a coroutine sends and is sent
        """Start a task that nobody outside cancels by being cancelled."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def run_shielded(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as above
        """Await work that goes on to its end even where the caller is cancelled meanwhile."""
        task = self.start(work)
        await asyncio.wait({task})
        return task.result()

    async def close(self, grace_s: float) -> None:
        """Give what runs `grace_s` seconds, and cancel the rest."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its words may quote what people wrote. Whoever awaited it knows already.
            log.debug("a chore failed", extra={"error": type(error).__name__})
