"""One reservation, as the work that spends it sees it: set what was spent, and leave."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from bot.errors import BotError
from bot.quotas.resolver import LimitResolver
from bot.store.quota_limits import Kind
from bot.store.usage import Claim

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


Finish = Callable[["Reservation", Mapping[Kind, int]], Awaitable[None]]


class Reservation:
    """Amounts reserved for one piece of work. Made by `Ledger.reserve`.

    The one shape in which anything is spent:

        async with await ledger.reserve(requester, {Kind.MESSAGES: 1, Kind.TOKENS: 900}) as reservation:
            ...                                                         # acknowledge, work
            reservation.set_spent({Kind.MESSAGES: 1, Kind.TOKENS: 412})  # as often as more is known; the last counts

    Whichever way the block is left, by an error or a cancellation too, what was set is settled and the rest given
    back; where nothing was set, all is given back.
    """

    def __init__(
        self, reservation_id: int, resolver: LimitResolver, amounts: Mapping[Kind, int], finish: Finish
    ) -> None:
        self.id = reservation_id
        self.resolver = resolver
        self.claims: Sequence[Claim] = ()
        """What is reserved on each counter; the positions stay, amounts grow and limits are as last looked up."""
        self.amounts = dict(amounts)
        self.ended = False
        self._finish = finish
        self._spent: dict[Kind, int] = {}

    def set_spent(self, amounts: Mapping[Kind, int]) -> None:
        """Set what was spent in all so far, in place of what was set before; a kind not named was not spent.

        It can be less or more than was reserved. Nothing is written until the block is left.

        Raises:
            ValueError: a kind that was not reserved, or a negative amount.
        """
        self.check_amounts(amounts)
        self._spent = dict(amounts)

    def build_token_budget(self, kind: Kind, request: RequestMore) -> TokenBudget:
        """Return the budget that begins with the reserved amount of `kind`; `request` reserves more."""
        return TokenBudget(self.amounts[kind], request)

    def check_amounts(self, amounts: Mapping[Kind, int]) -> None:
        """Raise ValueError unless `amounts` can be settled: kinds that were reserved, none negative."""
        for kind, amount in amounts.items():
            if kind not in self.amounts:
                raise ValueError(f"{kind} was not reserved")
            if amount < 0:
                raise ValueError(f"{amount} {kind}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._finish(self, self._spent)
