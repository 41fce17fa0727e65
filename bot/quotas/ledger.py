"""The ledger: reserve before the work, settle or release after it, exact whatever runs at once.

A reservation belongs to the process that made it. Once the process has died, another gives back what was reserved, less
what is due of it. A reservation that its process no longer knows, because the answer to its commit was lost, is given
back by the process itself.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self
from weakref import WeakValueDictionary

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import BotError, QuotaExceeded, StoreUnavailable
from bot.quotas.limit_messages import build_refusal, build_stop
from bot.quotas.resolver import LimitedClaims, LimitResolver, OperatorLimits, UsageKeys, next_counter
from bot.quotas.token_budget import TokenBudget
from bot.store.database import Database
from bot.store.quota_limits import Kind
from bot.store.usage import Claim, LimitExceeded, Spent, UsageStore
from bot.tasks import BackgroundTasks

UNHELD_AFTER_S = 60
"""How old a reservation is that can be given back since nothing here can end it: its commit is over by then."""

FREED_RETENTION = timedelta(days=1)
"""How long a reservation that was freed can still be settled."""

COUNTER_RETENTION = timedelta(days=1)
"""How long a counter is kept after its end: no longer, since it can be of a member who had their data deleted."""

MAX_AMOUNT = 10**12
"""More than this in one settlement is a wrong count, and would in the end not fit a database integer."""

logger = logging.getLogger(__name__)


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

    def check_amounts(self, amounts: Mapping[Kind, int]) -> None:
        """Raise ValueError unless `amounts` can be settled: kinds that were reserved, none negative."""
        for kind, amount in amounts.items():
            if kind not in self.amounts:
                raise ValueError(f"{kind} was not reserved")
            if amount < 0:
                raise ValueError(f"{amount} {kind}")

    async def settle(self) -> None:
        """End it before its block is left: count what was set and give the rest back, once."""
        await self._finish(self, self._spent)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.settle()


class Process(Protocol):
    """This run of the program, among all that use the database."""

    @property
    def name(self) -> str:
        """Its name, which changes when it was declared dead by mistake."""
        ...


class Ledger:
    """What requesters have used and reserved, under the operator's and the moderators' limits."""

    def __init__(
        self,
        database: Database,
        operator_limits: OperatorLimits,
        usage_keys: UsageKeys,
        clock: Clock,
        *,
        process: Process,
    ) -> None:
        self._usage = UsageStore(database)
        self._operator_limits = operator_limits
        self._usage_keys = usage_keys
        self._clock = clock
        self._process = process
        self._tasks = BackgroundTasks()
        self._held: WeakValueDictionary[int, Reservation] = WeakValueDictionary()
        """The reservations that can still be ended: one that nothing refers to any more cannot."""
        self._unsettled: dict[int, Sequence[Spent]] = {}

    async def reserve(self, requester: RequestContext, amounts: Mapping[Kind, int]) -> Reservation:
        """Reserve `amounts` under every limit of those kinds that applies to `requester`, in the current periods.

        Enter the reservation with `async with`, or end it by `settle` or `release`. A kind whose amount is 0 can be
        settled later but is refused only where its limit has been passed already. When the task that calls this is
        cancelled, what comes to be reserved is released again.

        Raises:
            QuotaExceeded: a limit would be passed; of several, the one that resets last.
            StoreUnavailable: the store cannot be used at the moment; nothing is reserved.
        """
        resolver = self._build_resolver(requester, amounts)
        reservation = Reservation(secrets.randbits(63), resolver, amounts, self._finish)
        reservation.check_amounts(amounts)
        if exceeded := await self._tasks.run_shielded(
            self._grant(reservation), undo=lambda exceeded: self._release_cancelled(reservation, exceeded)
        ):
            over, applicable, resets_at = resolver.find_last_reset(exceeded)
            refusal = build_refusal(applicable, used=over.used, wanted=over.claim.amount, resets_at=resets_at)
            raise QuotaExceeded(refusal, resets_at=resets_at, limit_key=applicable.key)
        return reservation

    def token_budget(self, reservation: Reservation, kind: Kind) -> TokenBudget:
        """Return the budget by which the reserved amount of `kind` grows with the work, a block at a time."""
        return TokenBudget(
            reservation.amounts[kind], lambda more: self._tasks.start(self._grow(reservation, kind, more))
        )

    async def record_due(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """Record what `reservation` costs at least from now on, should this process die.

        What its token budget grows by later is added, except the last block, which is asked for ahead. Where the store
        cannot be used nothing is recorded, and a process that dies owes nothing.

        Raises:
            ValueError: a kind that was not reserved, or a negative amount.
        """
        reservation.check_amounts(amounts)
        due = {
            position: min(amounts[Kind(claim.counter.kind)], MAX_AMOUNT)
            for position, claim in enumerate(reservation.claims)
            if claim.counter.kind in amounts
        }
        await self._tasks.run_shielded(self._record_due(reservation.id, due))

    async def settle(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation`: count `amounts`, which may be less or more than reserved, and give the rest back.

        Counted in the periods it was reserved in, also after their end, and where it was freed meanwhile. What is more
        than was reserved and more than a limit allows is charged to the next period. The first call for a reservation
        is carried out whatever happens to the task that calls it; a later one does nothing. When the store cannot be
        used the ledger tries again with every heartbeat, so this raises no StoreUnavailable: the work is done by now.

        Raises:
            ValueError: a kind that was not reserved, or a negative amount.
        """
        reservation.check_amounts(amounts)
        await self._finish(reservation, amounts)

    async def release(self, reservation: Reservation) -> None:
        """End `reservation` and give all of it back: nothing was spent. Does nothing once it has been ended."""
        await self._finish(reservation, {})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the block, then settle what is not settled yet.

        Leave it when all work that reserves has ended, before the lease of the process ends and the database closes.
        """
        try:
            yield
        finally:
            await self._tasks.drain()
            await self._settle_late()

    async def on_heartbeat(self) -> None:
        """Settle what could not be settled before, and free what this process reserved and does not know.

        Raises:
            StoreUnavailable: the store cannot be used at the moment.
        """
        await self._settle_late()
        before_ms = self._now_ms() - UNHELD_AFTER_S * 1000
        reserved = await self._usage.list_open(self._process.name)
        known = {*self._held, *self._unsettled}
        await self._free(
            [each for each, at_ms in reserved.items() if at_ms <= before_ms and each not in known], self._process.name
        )

    async def free_dead(self, process: str) -> None:
        """Free what a dead process has reserved, or this one under a former name: what is settled later still counts.

        Raises:
            StoreUnavailable: the store cannot be used at the moment.
        """
        await self._free(await self._usage.list_open(process), process)

    async def delete_old(self) -> None:
        """Delete what is old, while the clock is known to be right.

        Raises:
            StoreUnavailable: the store cannot be used at the moment.
        """
        if not self._clock.agrees_with_discord():
            return
        now = self._clock.discord_now()
        while await self._usage.delete_expired(
            freed_before_ms=unix_ms(now - FREED_RETENTION), ended_before_ms=unix_ms(now - COUNTER_RETENTION)
        ):
            pass  # other writes get through between two batches

    async def _free(self, reservation_ids: Iterable[int], process: str) -> None:
        freed = [await self._usage.free(each, process, self._now_ms()) for each in reservation_ids]
        if any(freed):
            logger.warning("reservations freed", extra={"count": sum(freed), "of_process": process})

    def _build_resolver(self, requester: RequestContext, kinds: Collection[Kind]) -> LimitResolver:
        return LimitResolver(requester, self._clock.now(), kinds, self._operator_limits, self._usage_keys)

    async def _grant(self, reservation: Reservation) -> Sequence[LimitExceeded]:
        """Reserve what `reservation` is for; return the limits that prevent it."""
        claims = LimitedClaims(reservation.resolver, reservation.amounts)
        self._held[reservation.id] = reservation
        try:
            granted = await self._usage.reserve(
                reservation.id, claims, process=self._process.name, now_ms=self._now_ms()
            )
        except StoreUnavailable:
            del self._held[reservation.id]  # it may have been committed all the same: a heartbeat frees it then
            raise
        reservation.claims = granted.claims
        return granted.exceeded

    async def _grow(self, reservation: Reservation, kind: Kind, more: int) -> BotError | None:
        """Reserve `more` of `kind` for a reservation; return what prevents it, and then nothing has changed."""
        claims = {position: claim for position, claim in enumerate(reservation.claims) if claim.counter.kind == kind}
        resolver = reservation.resolver
        try:
            granted = await self._usage.grow(
                reservation.id, LimitedClaims(resolver, {kind: more}), claims, more, process=self._process.name
            )
        except StoreUnavailable as error:
            return error
        if granted.exceeded:
            _, applicable, resets_at = resolver.find_last_reset(granted.exceeded)
            return QuotaExceeded(build_stop(applicable, resets_at=resets_at), resets_at=resets_at)
        grown = dict(zip(claims, granted.claims, strict=True))
        reservation.claims = [grown.get(position, claim) for position, claim in enumerate(reservation.claims)]
        reservation.amounts[kind] += more
        return None

    async def _finish(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation` once: record what is to be counted, and settle it in a task of its own."""
        if reservation.ended:
            return
        reservation.ended = True
        self._unsettled[reservation.id] = [
            Spent(min(amounts.get(Kind(claim.counter.kind), 0), MAX_AMOUNT), claim.limit, next_counter(claim.counter))
            for claim in reservation.claims
        ]
        await self._tasks.run_shielded(self._settle(reservation.id, self._unsettled[reservation.id]))

    async def _record_due(self, reservation_id: int, due: Mapping[int, int]) -> None:
        try:
            await self._usage.set_due(reservation_id, due)
        except StoreUnavailable as error:
            # Needed only if the process dies now: otherwise the reservation is settled.
            logger.warning("amounts due not recorded", extra={"reservation": reservation_id, "detail": str(error)})

    async def _settle(self, reservation_id: int, spent: Sequence[Spent]) -> None:
        """Count what was recorded for a reservation, or leave it for the next heartbeat."""
        try:
            await self._usage.settle(reservation_id, spent)
        except StoreUnavailable as error:
            logger.warning("settlement postponed", extra={"reservation": reservation_id, "detail": str(error)})
        else:
            self._unsettled.pop(reservation_id, None)

    async def _settle_late(self) -> None:
        for reservation_id, spent in list(self._unsettled.items()):
            await self._settle(reservation_id, spent)

    async def _release_cancelled(self, reservation: Reservation, exceeded: Sequence[LimitExceeded]) -> None:
        """Release what comes to be reserved after the task that asked was cancelled."""
        if not exceeded:
            await self._finish(reservation, {})

    def _now_ms(self) -> int:
        return unix_ms(self._clock.discord_now())
