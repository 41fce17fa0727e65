"""Ends the process when it stands still or does not finish, so that whatever supervises it can start it again.

A hanging regular expression or another call that never returns holds Python's global lock, and then no signal handler,
task or thread of Python's runs. `faulthandler` waits in a thread of C and needs no lock: it writes the stack of every
thread to standard error and ends the process with status 1.
"""

import asyncio
import faulthandler
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from bot.clock import Clock

MAX_STALL_S: Final = 30.0
"""How long the event loop may stand still, in seconds."""

REARM_EVERY_S: Final = 1.0

CLOSING_S: Final = 5.0
"""After the grace, how long putting everything away may take."""

MAX_THREAD_WAIT_S: Final = 2.0
"""How long threads that are still at work may hold up the end, in seconds. Python waits for them without a limit."""


class Watchdog:
    """Watches the running event loop from `running` on."""

    def __init__(self, clock: Clock, *, max_stall_s: float = MAX_STALL_S) -> None:
        self._clock = clock
        self._still_s = max_stall_s
        self._ends = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch until the block is left, and what the interpreter does after it too."""
        rearming = asyncio.create_task(self._rearm(), name="watchdog")
        try:
            yield
        finally:
            rearming.cancel()
            with suppress(asyncio.CancelledError):
                await rearming
            self.exit_within(CLOSING_S)

    def exit_within(self, seconds: float) -> None:
        """Give the process so long to end by itself."""
        self._ends = True
        faulthandler.dump_traceback_later(seconds, exit=True)

    async def _rearm(self) -> None:
        while not self._ends:
            faulthandler.dump_traceback_later(self._still_s, exit=True)
            await self._clock.sleep(REARM_EVERY_S)


def exit_despite_threads(status: int) -> None:
    """End the process with `status` soon, even if a thread is still at work: all that matters was put away before."""

    def leave() -> None:
        with suppress(OSError, ValueError):  # closed already
            sys.stderr.flush()
            sys.stdout.flush()
        os._exit(status)

    timer = threading.Timer(MAX_THREAD_WAIT_S, leave)
    timer.daemon = True
    timer.start()
