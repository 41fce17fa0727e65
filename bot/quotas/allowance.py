"""What a running answer may still spend, asked for a block at a time while it comes."""

import asyncio
from collections.abc import Callable
from typing import Final

from bot.errors import BotError

BLOCK: Final = 256
"""Tokens by our own count: so much is held back at once."""

ASK_AT: Final = BLOCK // 2
"""With less than this left the next block is asked for, so that it is there when it is needed."""

Ask = Callable[[int], "asyncio.Task[BotError | None]"]
"""Begins to ask for so much more; gives what stands against it. The task is owned by whoever runs it."""


class Allowance:
    """How much has been granted in all, and the way to more. For one answer, by one task.

    Nothing that was not granted is ever to be spent. The next block is asked for ahead, while the answer goes on; only
    when it is needed and not there yet does anybody wait.
    """

    def __init__(self, granted: int, ask: Ask) -> None:
        self.granted = granted
        self.refused: BotError | None = None
        """Why `reach` fell short."""
        self._ask = ask
        self._asking: asyncio.Task[BotError | None] | None = None
        self._ask_ahead = True

    async def reach(self, total: int) -> int:
        """Tell how much of `total`, counted from the answer's beginning, may be spent: all of it, or what is granted.

        Falls short only after asking at the moment of need: what others give back meanwhile is still to be had.
        """
        while self.granted < total:
            asked_before = self._asking is not None
            against = await self._answer()
            if against is not None and not asked_before:
                self.refused = against
                return self.granted
        if self._asking is not None and self._asking.done():
            self._take(self._asking.result())
        if self._asking is None and self._ask_ahead and self.granted - total < ASK_AT:
            self._asking = self._ask(BLOCK)
        return total

    async def _answer(self) -> BotError | None:
        """Wait for the block asked for, which goes on being asked for when this is cancelled."""
        if self._asking is None:
            self._asking = self._ask(BLOCK)
        await asyncio.wait({self._asking})
        return self._take(self._asking.result())

    def _take(self, against: BotError | None) -> BotError | None:
        self._asking = None
        self._ask_ahead = against is None  # one refusal ahead is enough until it is needed
        if against is None:
            self.granted += BLOCK
        return against
