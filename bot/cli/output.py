"""Standard output, and what becomes of the standard streams where whoever started the program had closed them."""

import os
import sys

from bot.errors import StartupError
from bot.messages.message import plain


def open_closed_streams() -> None:
    """Lead standard streams that are closed to nowhere.

    Python has None in their place, on which whatever writes to them fails; and the next files to be opened would get
    their numbers.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def write_line(line: str) -> None:
    """Write one line at once.

    Raises:
        StartupError: nobody takes it any more (a pipe that was closed, a full disk).
    """
    try:
        sys.stdout.write(line.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding) + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Python tries once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StartupError(plain(f"Standard output can't be written: {error.strerror}.")) from error
