"""Background work: tasks with an owner, loops with a period, and waits that a cancellation does not break.

A task that is cancelled while it waits for work has four ways to go on, and each has one name here:

- `BackgroundTasks.run_shielded`: the caller is cancelled at once; the work runs on and is waited for at shutdown.
- `run_to_end`: the work ends first; then the caller is cancelled.
- `cancel_and_wait`: the work is cancelled too, and has ended before the caller goes on.
- `wait_for_first`, `sleep_unless`: nothing but waiting is cut off, and nothing is left waiting.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from bot.clock import Clock
from bot.errors import StoreUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundTasks:
    """Owns tasks: none is garbage-collected while it runs, and an error that no caller gets is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()  # Any: their results belong to their callers

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":  # Any: what a coroutine sends and is sent
        """Start a task that a cancellation of its caller does not reach."""
        task = self._start(work)
        task.add_done_callback(_log_failure)
        return task

    async def run_shielded(
        self, work: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[object]] | None = None
    ) -> T:  # Any: as above
        """Return the result of `work`, which runs to its end even if the caller is cancelled meanwhile.

        The caller's cancellation takes effect at once. `undo` then gets the result, in the background, when there is
        one; a failure is logged, as no caller gets it.
        """
        task = self._start(work)
        try:
            await asyncio.wait({task})  # cancelling the wait leaves the task alone
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            if undo is not None:
                self.start(_undo(task, undo))
            raise
        return task.result()

    async def drain(self) -> None:
        """Wait for all tasks to end, and for those that they start."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self, grace_s: float) -> None:
        """Wait up to `grace_s` seconds for the tasks that run, then cancel the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self.drain()
        await cancel_and_wait(*self._tasks)

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":  # Any: as above
        task = asyncio.create_task(work, name=getattr(work, "__qualname__", None))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def run_to_end(work: "Coroutine[Any, Any, T] | asyncio.Future[T]") -> T:  # Any: as above
    """Return the result of `work`; if the caller is cancelled meanwhile, raise the cancellation when it has ended.

    The cancellation is raised in place of an error of the work, which is logged.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    _log_failure(task)
    raise cancelled


async def cancel_and_wait(*tasks: "asyncio.Future[Any]") -> None:  # Any: their results are dropped
    """Cancel `tasks` and return when they have ended; their errors are dropped, like their results.

    If the caller is cancelled meanwhile, the cancellation is raised when they have ended.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        await run_to_end(asyncio.gather(*tasks, return_exceptions=True))


def raise_if_cancelled() -> None:
    """Raise the cancellation of the current task if a library has dropped it.

    Before Python 3.12 `asyncio.wait_for` drops one that comes together with its result; a task that cancels and
    waits then waits without end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def wait_for_first(*waits: Coroutine[Any, Any, object]) -> None:  # Any: as above
    """Wait until one of `waits` ends; cancel the others. They may do nothing but wait."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait(*tasks)


async def sleep_unless(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Sleep for `seconds`, or until `event` is set; return whether it is."""
    if not event.is_set():
        await wait_for_first(clock.sleep(seconds), event.wait())
    return event.is_set()


@asynccontextmanager
async def background_loop(
    step: Callable[[], Awaitable[object]],
    every_s: float,
    clock: Clock,
    *,
    name: str,
    retry_s: float | None = None,
    at_once: bool = False,
) -> AsyncIterator[None]:
    """Repeat `step` for as long as the block runs; at its end the step at work is cancelled and awaited.

    No failure ends the loop: a store that cannot be used is logged as a warning, any other error with its traceback.

    Args:
        every_s: the pause before each step; 0 for a step that waits by itself.
        retry_s: the pause after a step that failed, or returned False as it could not do its work; None for the same.
        at_once: whether the first step is taken without a pause.
    """
    loop = asyncio.create_task(
        _repeat(step, every_s, every_s if retry_s is None else retry_s, clock, name, at_once), name=name
    )
    try:
        yield
    finally:
        await cancel_and_wait(loop)


async def _repeat(
    step: Callable[[], Awaitable[object]], every_s: float, retry_s: float, clock: Clock, name: str, at_once: bool
) -> None:
    pause_s = 0.0 if at_once else every_s
    while True:
        if pause_s:
            await clock.sleep(pause_s)
        try:
            done = await step()
        except StoreUnavailable as error:
            logger.warning("%s failed", name, extra={"detail": str(error)})
            done = False
        except Exception:
            # No one else would do the work: whatever went wrong, go on.
            logger.exception("%s failed", name)
            done = False
        pause_s = retry_s if done is False else every_s


async def _undo(task: asyncio.Task[T], undo: Callable[[T], Awaitable[object]]) -> None:
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is None:
        await undo(task.result())


def _log_failure(task: "asyncio.Future[Any]") -> None:  # Any: as above
    """Log a task's error."""
    if not task.cancelled() and (error := task.exception()) is not None:
        name = task.get_name() if isinstance(task, asyncio.Task) else None
        # A store that cannot be used is no fault of the program: as in a loop, there is nothing to look for.
        fault = None if isinstance(error, StoreUnavailable) else error
        logger.warning("background task failed", extra={"task": name, "error": type(error).__name__}, exc_info=fault)
