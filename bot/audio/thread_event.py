"""An event that is set once, from any thread, and awaited by coroutines."""

import asyncio
import threading
from contextlib import suppress


class ThreadsafeEvent:
    """Like `asyncio.Event` without `clear`: set from any thread, awaited on any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def is_set(self) -> bool:
        """Return whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Set it; later calls change nothing."""
        with self._lock:
            self._is_set = True
            waiters, self._waiters = self._waiters, set()
        for future in waiters:
            # A closed loop refuses the call; nothing waits there any more.
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_wake, future)

    async def wait(self) -> None:
        """Wait until it is set."""
        with self._lock:
            if self._is_set:
                return
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(future)
        try:
            await future
        finally:
            with self._lock:
                self._waiters.discard(future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
