"""Ends the process when its event loop is blocked or it does not finish, so that its supervisor can restart it.

A hanging regular expression or another call that never returns holds the GIL, and then no signal handler, task or
thread of Python's runs. `faulthandler` waits in a C thread without the GIL: it writes the stack of every thread to
standard error and ends the process with status 1.
"""

import faulthandler
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from bot.clock import Clock
from bot.tasks import background_loop

MAX_STALL_S: Final = 30.0
"""How long the event loop may be blocked."""

REARM_EVERY_S: Final = 1.0

CLOSING_S: Final = 5.0
"""How long closing everything may take after the grace."""

MAX_THREAD_WAIT_S: Final = 2.0
"""How long running threads may delay the exit. Python waits for them without a limit."""


class Watchdog:
    """Watches the running event loop while the block of `running` runs."""

    def __init__(self, clock: Clock, *, max_stall_s: float = MAX_STALL_S) -> None:
        self._clock = clock
        self._max_stall_s = max_stall_s
        self._ends = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch until the block is left; then the interpreter has `CLOSING_S` to exit."""
        try:
            async with background_loop(self._rearm, REARM_EVERY_S, self._clock, name="watchdog", at_once=True):
                yield
        finally:
            self.exit_within(CLOSING_S)

    def exit_within(self, seconds: float) -> None:
        """End the process in `seconds` unless it ends by itself."""
        self._ends = True
        faulthandler.dump_traceback_later(seconds, exit=True)

    async def _rearm(self) -> None:
        if not self._ends:
            faulthandler.dump_traceback_later(self._max_stall_s, exit=True)


def exit_despite_threads(status: int) -> None:
    """End the process with `status` soon, even if a thread still runs: everything that matters is closed."""

    def leave() -> None:
        with suppress(OSError, ValueError):  # closed already
            sys.stderr.flush()
            sys.stdout.flush()
        os._exit(status)

    timer = threading.Timer(MAX_THREAD_WAIT_S, leave)
    timer.daemon = True
    timer.start()
