"""One reservation, as the work that spends it sees it: note what was spent, and leave."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from bot.quotas.plan import Plan
from bot.quotas.rules import Kind
from bot.store.usage import Claim

Finish = Callable[["Reservation", Mapping[Kind, int]], Awaitable[None]]


class Reservation:
    """Amounts held back for one piece of work. Made by `Ledger.reserve`.

    The one shape in which anything is spent:

        async with await ledger.reserve(caller, {Kind.MESSAGES: 1, Kind.TOKENS: 900}) as reservation:
            ...                                                     # acknowledge, work
            reservation.spent({Kind.MESSAGES: 1, Kind.TOKENS: 412})  # as often as more is known; the last word counts

    Whichever way the block is left, by an error or a cancellation too, what was noted is settled and the rest given
    back; where nothing was noted, all is given back.
    """

    def __init__(self, reservation_id: int, plan: Plan, amounts: Mapping[Kind, int], finish: Finish) -> None:
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
