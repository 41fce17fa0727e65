"""The process's signals before and after a command, and its standard streams.

Imported before anything else, so it imports next to nothing itself. Python's own handler for SIGINT would print a
traceback, and process 1 of a container has no default handlers.
"""

import os
import signal
import sys
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


def open_closed_streams() -> None:
    """Open the null device in place of closed standard streams.

    Python has None in their place, so that writing to them fails; and the next opened files would get their numbers.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def write_line(line: str) -> None:
    """Write one line and flush it.

    Raises:
        StartupError: it cannot be written (a closed pipe, a full disk).
    """
    try:
        sys.stdout.write(line.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding) + "\n")
        sys.stdout.flush()
    except OSError as error:
        from bot.errors import StartupError
        from bot.messages.operator import output_not_writable

        # Python flushes once more at its exit, and would print an error then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StartupError(output_not_writable(error.strerror or type(error).__name__)) from error
