"""The threads that all Opus streams share: as many as there are cores."""

import os
import threading
import time
import weakref
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Protocol, Self

_CLOSE_TIMEOUT_S: Final = 1.0


class Work(Protocol):
    """What a thread works on, a step at a time. The pool knows no more of it: what is done lies above."""

    def step(self) -> bool:
        """Do a little, and return whether there is more to do. Runs in one thread at a time."""
        ...

    def abandon(self) -> None:
        """Abandon what is left to do."""
        ...


class WorkerPool:
    """Runs one step of each scheduled work after the other (round robin), so that long work does not delay other work.

    The threads start with the first work: a bot that never speaks has none.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._count = threads or os.cpu_count() or 1
        self._threads: list[threading.Thread] = []
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._work: weakref.WeakSet[Work] = weakref.WeakSet()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def register(self, work: Work) -> None:
        """Register `work`, which may be scheduled from then on.

        Raises:
            RuntimeError: the pool is closed.
        """
        if self._closed:
            raise RuntimeError("the pool is closed")
        self._work.add(work)
        while len(self._threads) < self._count:
            thread = threading.Thread(
                target=_run_thread, args=(self._queue,), name=f"audio-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def schedule(self, work: Work) -> None:
        """Queue `work` for a step. Never blocks; the caller makes sure that nothing is queued twice."""
        self._queue.put(work)

    def close(self) -> None:
        """Abandon all work and end the threads. Waits for steps that run: a few milliseconds.

        A step that does not end is left behind: its thread is a daemon and ends with the process.
        """
        self._closed = True
        for work in list(self._work):
            work.abandon()
        for _ in self._threads:
            self._queue.put(None)
        due = time.monotonic() + _CLOSE_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, due - time.monotonic()))
        self._threads.clear()


def _run_thread(queue: "SimpleQueue[Work | None]") -> None:
    _warm_up()
    while (work := queue.get()) is not None:
        if work.step():
            queue.put(work)
        del work  # let work be freed that nothing else refers to


def _warm_up() -> None:
    """Load PyAV before the first bytes arrive."""
    try:
        import av.audio.resampler
        import av.filter  # noqa: F401 - loaded for its effect
    except ImportError:
        pass  # the first clip fails with the reason
