"""Standard output: what a command has to say to whoever ran it, or to a script."""

import os
import sys

from bot.errors import StartupFault


def say(line: str) -> None:
    """Write one line at once.

    Raises:
        StartupFault: nobody takes it any more (a pipe that was closed, a full disk).
    """
    try:
        sys.stdout.write(line.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding) + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Python tries once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StartupFault(f"Standard output can't be written: {error.strerror}.") from error
