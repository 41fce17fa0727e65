"""SIGINT and SIGTERM while there is nothing to close: at the very start, and at the very end.

Imported before anything else, so it imports next to nothing itself. Python's own handler would print a traceback, and
process 1 of a container has no default handlers.
"""

import os
import signal
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""The exit status of an interrupted command, as shells have it."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_on_signal(status: int) -> None:
    """From now on let either signal end the process with `status`, without a message."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        os._exit(status)

    for number in SIGNALS:
        signal.signal(number, leave)


def ignore_signals() -> None:
    """Ignore both signals: the process is ending."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
