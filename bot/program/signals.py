"""SIGINT and SIGTERM: the first asks the program to stop, a further one to hurry."""

import asyncio
import signal


class Signals:
    """What was asked for so far. Made within the running loop, which it listens with."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        """Take the two signals from here on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._came)

    def _came(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()
