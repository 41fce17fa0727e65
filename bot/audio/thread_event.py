"""Something that happens once, in any thread, and that coroutines wait for."""

import asyncio
import threading
from contextlib import suppress


class ThreadsafeEvent:
    """Rung once from any thread, waited for on any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._past = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def past(self) -> bool:
        """Whether it has happened."""
        return self._past

    def ring(self) -> None:
        """Let it happen now; later calls change nothing."""
        with self._lock:
            self._past = True
            waiting, self._waiting = self._waiting, set()
        for future in waiting:
            # A closed loop refuses, and nobody waits there any more.
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_wake, future)

    async def wait(self) -> None:
        """Wait until it has happened."""
        with self._lock:
            if self._past:
                return
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
        try:
            await future
        finally:
            with self._lock:
                self._waiting.discard(future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
