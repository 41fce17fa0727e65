"""Standard output, and standard streams that were closed when the program started."""

import os
import sys

from bot.errors import StartupError
from bot.messages.message import plain


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
        # Python flushes once more at its exit, and would print an error then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StartupError(plain(f"Standard output can't be written: {error.strerror}.")) from error
