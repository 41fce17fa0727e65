"""SIGINT and SIGTERM while there is nothing to put away: at the very start, and at the very end.

Imported before anything else, so it imports next to nothing itself. Python's own handler would print a traceback, and
for process 1 of a container there is none but ours.
"""

import os
import signal
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""The exit status of a command that somebody broke off, as shells have it."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_on_signal(status: int) -> None:
    """Let either signal end the process with `status` from here on, without a word."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        os._exit(status)

    for number in SIGNALS:
        signal.signal(number, leave)


def ignore_signals() -> None:
    """Take no notice of either signal any more: the process is ending."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
