"""Background tasks that no request waits for, closed in order at shutdown."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundTasks:
    """Owns tasks: none is garbage-collected while it runs, and errors are logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()  # Any: their results belong to their callers

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":  # Any: what a coroutine sends and is sent
        """Start a task that a cancellation of its caller does not reach."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def run_shielded(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as above
        """Return the result of `work`, which runs to its end even if the caller is cancelled meanwhile."""
        task = self.start(work)
        await asyncio.wait({task})
        return task.result()

    async def close(self, grace_s: float) -> None:
        """Wait up to `grace_s` seconds for the tasks that run, then cancel the rest."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The error's text may quote what people wrote. A caller that waits has the error already.
            logger.debug("background task failed", extra={"error": type(error).__name__})
