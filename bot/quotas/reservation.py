"""One reservation, as the work that spends it sees it: note what was spent, and leave."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from bot.errors import BotError
from bot.quotas.limits import Kind
from bot.quotas.resolver import LimitResolver
from bot.store.usage import Claim

BLOCK: Final = 256
"""Tokens by our own count: so much is held back at once."""

ASK_AT: Final = BLOCK // 2
"""With less than this left the next block is asked for, so that it is there when it is needed."""

Ask = Callable[[int], "asyncio.Task[BotError | None]"]
"""Begins to ask for so much more; gives what stands against it. The task is owned by whoever runs it."""


class TokenBudget:
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


Finish = Callable[["Reservation", Mapping[Kind, int]], Awaitable[None]]


class Reservation:
    """Amounts held back for one piece of work. Made by `Ledger.reserve`.

    The one shape in which anything is spent:

        async with await ledger.reserve(requester, {Kind.MESSAGES: 1, Kind.TOKENS: 900}) as reservation:
            ...                                                     # acknowledge, work
            reservation.spent({Kind.MESSAGES: 1, Kind.TOKENS: 412})  # as often as more is known; the last word counts

    Whichever way the block is left, by an error or a cancellation too, what was noted is settled and the rest given
    back; where nothing was noted, all is given back.
    """

    def __init__(self, reservation_id: int, plan: LimitResolver, amounts: Mapping[Kind, int], finish: Finish) -> None:
        self.id = reservation_id
        self.plan = plan
        self.claims: Sequence[Claim] = ()
        """What is held in each window; the positions stay, amounts grow and limits are as last looked up."""
        self.amounts = dict(amounts)
        self.ended = False
        self._finish = finish
        self._noted: dict[Kind, int] = {}

    def spent(self, amounts: Mapping[Kind, int]) -> None:
        """Note what was spent in all so far, in place of what was noted before; a kind not named was not spent.

        It may be less or more than was reserved. Nothing is written until the block is left.

        Raises:
            ValueError: a kind that was not reserved, or a negative amount.
        """
        self.check(amounts)
        self._noted = dict(amounts)

    def check(self, amounts: Mapping[Kind, int]) -> None:
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
        await self._finish(self, self._noted)
