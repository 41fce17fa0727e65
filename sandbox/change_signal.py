"""Waiting for a condition without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ChangeSignal:
    """Notified whenever something changed; waiters look at their condition only then."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def notify(self) -> None:
        """Wake all waiters."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next notification."""
        await self._next.wait()

    async def until(self, look: Callable[[], T | None], *, deadline_s: float, what: str) -> T:
        """Wait until `look` returns something other than None or False, and return it.

        Args:
            look: called now and after every notification.
            deadline_s: how long to wait at most.
            what: what is waited for, for the error's text.

        Raises:
            TimeoutError: it did not come in time.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    following = self._next
                    found = look()
                    if found is not None and found is not False:
                        return found
                    await following.wait()
        except TimeoutError:
            raise TimeoutError(f"{what} did not come within {deadline_s:g} s") from None
