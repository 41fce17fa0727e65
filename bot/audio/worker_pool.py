"""The threads that all talks share: about as many as there are cores."""

import os
import threading
import time
import weakref
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Protocol, Self

_PATIENCE_S: Final = 1.0


class Work(Protocol):
    """What wants a turn now and then."""

    def turn(self) -> bool:
        """Do a little; true when there is more to do. Runs in one thread at a time."""
        ...

    def abandon(self) -> None:
        """Give up what is left to do."""
        ...


class WorkerPool:
    """Gives turns to whoever asks, one after the other, so that nobody's long work holds up another's.

    The threads start with the first member: a bot that never speaks has none.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._count = threads or os.cpu_count() or 1
        self._threads: list[threading.Thread] = []
        self._line: SimpleQueue[Work | None] = SimpleQueue()
        self._members: weakref.WeakSet[Work] = weakref.WeakSet()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def join(self, member: Work) -> None:
        """Have somebody among those who may ask for turns."""
        if self._closed:
            raise RuntimeError("the pool is closed")
        self._members.add(member)
        while len(self._threads) < self._count:
            thread = threading.Thread(
                target=_serve, args=(self._line,), name=f"audio-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def ask(self, member: Work) -> None:
        """Ask for a turn. Never blocks; the caller sees to it that nobody stands in line twice."""
        self._line.put(member)

    def close(self) -> None:
        """End all members' work, and the threads. Waits for turns being taken: a few milliseconds.

        A turn that does not end holds up nobody: its thread ends with the process.
        """
        self._closed = True
        for member in list(self._members):
            member.abandon()
        for _ in self._threads:
            self._line.put(None)
        due = time.monotonic() + _PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, due - time.monotonic()))
        self._threads.clear()


def _serve(line: "SimpleQueue[Work | None]") -> None:
    _warm_up()
    while (member := line.get()) is not None:
        if member.turn():
            line.put(member)
        del member  # one that nobody else holds any more is to go


def _warm_up() -> None:
    """Have PyAV loaded by the time the first bytes are there."""
    try:
        import av.audio.resampler
        import av.filter  # noqa: F401
    except ImportError:
        pass  # the first clip will say so
