"""Something that happens at the n-th await of a piece of work, in whichever of its tasks that is."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class Suspensions:
    """Counts the suspensions of all tasks that are made by `create_task`; calls `act` at number `at`, from 0."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.count = 0
        self._at = at
        self._act = act

    def create_task(self, _loop: asyncio.AbstractEventLoop, work: Any, **_options: Any) -> asyncio.Task[Any]:
        """Make a task; this is a task factory."""
        task = asyncio.Task(self._run(work))
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before its first step
        return task

    async def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await _Counted(work, self._suspend)

    def _suspend(self) -> None:
        self.count += 1
        if self.count == self._at + 1:
            self._act()


class _Counted:
    """Awaits a coroutine, and calls `suspend` each time before it waits."""

    def __init__(self, work: Coroutine[Any, Any, Any], suspend: Callable[[], None]) -> None:
        self._work = work
        self._suspend = suspend

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self._work.send
        value: Any = None
        while True:
            try:
                awaited = step(value)
            except StopIteration as end:
                return end.value
            self._suspend()
            try:
                step, value = self._work.send, (yield awaited)
            except BaseException as error:
                step, value = self._work.throw, error
