"""SIGINT and SIGTERM while the bot serves: the first asks it to stop, a further one to hurry."""

import asyncio
import signal
from types import FrameType

from bot.program.interrupts import NUMBERS


class Signals:
    """What was asked for so far. Made within the running loop, which it listens with."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        """Take the two signals from here on, on every system: Windows' loops have no `add_signal_handler`."""
        loop = asyncio.get_running_loop()

        def came(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._came)

        for number in NUMBERS:
            signal.signal(number, came)

    def _came(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()
