"""The token budget of one answer: what is reserved for it, a block at a time while it grows."""

import asyncio
from collections.abc import Callable
from typing import Final

from bot.errors import BotError

BLOCK_TOKENS: Final = 256
"""By our own count: so much is reserved at once."""

PREFETCH_BELOW: Final = BLOCK_TOKENS // 2
"""With fewer tokens than this left the next block is requested, so that it is there when it is needed."""

RequestMore = Callable[[int], "asyncio.Task[BotError | None]"]
"""Starts to reserve so much more; the task returns what prevents it, and belongs to the ledger."""


class TokenBudget:
    """How much of a kind is granted in all, and how to get more. For one answer, used by one task.

    Nothing that was not granted is ever spent. The next block is requested ahead, while the answer goes on; `ensure`
    waits only when it is needed and not there yet.
    """

    def __init__(self, granted: int, request: RequestMore) -> None:
        self.granted = granted
        self.refused: BotError | None = None
        """Why `ensure` returned less."""
        self._request = request
        self._pending: asyncio.Task[BotError | None] | None = None
        self._prefetch = True

    async def ensure(self, total: int) -> int:
        """Return how much of `total`, counted from the answer's beginning, can be spent: all of it, or what is granted.

        Less only after a request at the moment of need: what others give back meanwhile is still available.
        """
        while self.granted < total:
            was_pending = self._pending is not None
            refusal = await self._wait_for_block()
            if refusal is not None and not was_pending:
                self.refused = refusal
                return self.granted
        if self._pending is not None and self._pending.done():
            self._accept(self._pending.result())
        if self._pending is None and self._prefetch and self.granted - total < PREFETCH_BELOW:
            self._pending = self._request(BLOCK_TOKENS)
        return total

    async def _wait_for_block(self) -> BotError | None:
        """Wait for the requested block; the request goes on when this is cancelled."""
        if self._pending is None:
            self._pending = self._request(BLOCK_TOKENS)
        await asyncio.wait({self._pending})
        return self._accept(self._pending.result())

    def _accept(self, refusal: BotError | None) -> BotError | None:
        self._pending = None
        self._prefetch = refusal is None  # one refusal ahead is enough until more is needed
        if refusal is None:
            self.granted += BLOCK_TOKENS
        return refusal
