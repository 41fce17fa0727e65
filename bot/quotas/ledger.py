"""The ledger: reserve before the work, settle or release after it, exact whatever runs at once.

A reservation belongs to the process that made it and has a lease. A process that lives renews its leases; once it has
died they expire, and any process gives back what was reserved, less what is due of it.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import BotError, QuotaExceeded, StoreUnavailable
from bot.quotas.limit_messages import build_refusal, build_stop
from bot.quotas.reservation import Reservation, TokenBudget
from bot.quotas.resolver import ApplicableLimit, LimitResolver, OperatorLimits, UsageKeys
from bot.store.database import Database
from bot.store.quota_limits import Kind, Limit, Period
from bot.store.usage import Claim, LimitExceeded, Spent, UsageCounter, UsageStore
from bot.tasks import BackgroundTasks, background_loop

LEASE_S = 60
RENEW_INTERVAL_S = 15
"""Three renewals can fail before a lease expires."""

RENEWALS_PER_SWEEP = 2
"""Expired leases are freed every second renewal: every 30 s."""

MAX_WORK_S = 3600
"""A reservation older than this is given back: no answer takes as long, so nothing will end it."""

FREED_RETENTION = timedelta(days=1)
"""How long a reservation freed by expiry can still be settled."""

COUNTER_RETENTION = timedelta(days=1)
"""How long a counter is kept after its end: no longer, since it can be of a member who had their data deleted."""

MAX_AMOUNT = 10**12
"""More than this in one settlement is a wrong count, and would in the end not fit a database integer."""

logger = logging.getLogger(__name__)


class Ledger:
    """What requesters have used and reserved, under the operator's and the moderators' limits.

    `process` names this run of the program among all that use the database: a new random text. `is_alive` returns
    whether another one lives, or None where that is not known and its leases decide.
    """

    def __init__(
        self,
        database: Database,
        operator_limits: OperatorLimits,
        usage_keys: UsageKeys,
        clock: Clock,
        *,
        process: str,
        is_alive: Callable[[str], bool | None] = lambda _: None,
    ) -> None:
        self._usage = UsageStore(database)
        self._operator_limits = operator_limits
        self._usage_keys = usage_keys
        self._clock = clock
        self._process = process
        self._is_alive = is_alive
        self._reserved_at: dict[int, float] = {}
        """When each reservation of this process that has not ended was made, in monotonic seconds."""
        self._tasks = BackgroundTasks()
        self._renewals = 0
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
            over, applicable, resets_at = _find_last_reset(resolver, exceeded)
            refusal = build_refusal(applicable, used=over.used, wanted=over.claim.amount, resets_at=resets_at)
            raise QuotaExceeded(refusal, resets_at=resets_at, limit_key=applicable.key)
        return reservation

    def token_budget(self, reservation: Reservation, kind: Kind) -> TokenBudget:
        """Return the budget by which the reserved amount of `kind` grows with the work, a block at a time."""
        return reservation.build_token_budget(kind, lambda more: self._tasks.start(self._grow(reservation, kind, more)))

    async def record_due(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """Record what `reservation` costs at least from now on, should this process die.

        What its token budget grows by later is added, except the last block. Where the store cannot be used nothing is
        recorded, and a process that dies owes nothing.

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

        Counted in the periods it was reserved in, also after their end or the lease's. What is more than was reserved
        and more than a limit allows is charged to the next period. The first call for a reservation is carried out
        whatever happens to the task that calls it; a later one does nothing. When the store cannot be used the ledger
        tries again with every heartbeat, so this raises no StoreUnavailable: the work is done by now.

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
        """Renew the leases for as long as the block runs; what has expired is freed first.

        Leave it when all work that reserves has ended, and before the database closes.

        Raises:
            StoreUnavailable: the store cannot be used at the start.
        """
        await self.free_expired()
        try:
            # Without the heartbeat this process would lose its leases.
            async with background_loop(self._beat, RENEW_INTERVAL_S, self._clock, name="ledger heartbeat"):
                yield
        finally:
            await self._tasks.drain()
            await self._settle_late()

    async def free_expired(self) -> None:
        """Free what dead processes have reserved, and delete what is old.

        Raises:
            StoreUnavailable: the store cannot be used at the moment.
        """
        now_ms = unix_ms(self._clock.discord_now())
        for process in await self._usage.list_expired_processes(now_ms):
            if self._is_dead(process):
                await self._free(process, now_ms)
        await self._delete_old()

    async def free_dead(self, process: str) -> None:
        """Free what a process has reserved that is known to be dead, without waiting for its leases to expire.

        Raises:
            StoreUnavailable: the store cannot be used at the moment; the leases expire all the same.
        """
        if await self._usage.expire_leases(process):
            await self._free(process, unix_ms(self._clock.discord_now()))

    async def _free(self, process: str, now_ms: int) -> None:
        if freed := await self._usage.release_expired(process, now_ms):
            logger.warning("expired reservations freed", extra={"count": freed})

    def _is_dead(self, process: str) -> bool:
        """Return whether a process whose leases expired is dead. Its own lock is trusted before any clock."""
        alive = process == self._process or self._is_alive(process)
        return self._clock.agrees_with_discord() if alive is None else not alive

    async def _delete_old(self) -> None:
        """Delete what is old, while the clock is known to be right."""
        if self._clock.agrees_with_discord():
            now = self._clock.discord_now()
            await self._usage.delete_expired(
                freed_before_ms=unix_ms(now - FREED_RETENTION), ended_before_ms=unix_ms(now - COUNTER_RETENTION)
            )

    async def _free_abandoned(self) -> None:
        """Free what this process has reserved for longer than any work takes."""
        before = self._clock.monotonic() - MAX_WORK_S
        for reservation_id in [each for each, since in self._reserved_at.items() if since <= before]:
            if await self._usage.release(reservation_id, unix_ms(self._clock.discord_now())):
                logger.warning("abandoned reservation freed", extra={"reservation": reservation_id})
            self._reserved_at.pop(reservation_id, None)

    async def renew(self) -> None:
        """Lengthen the leases of all of this process's reservations.

        Raises:
            StoreUnavailable: the store cannot be used at the moment.
        """
        await self._usage.renew_leases(self._process, lease_until_ms=self._lease_until_ms())

    async def _beat(self) -> None:
        """Renew, settle what could not be settled before and free what expired."""
        self._renewals += 1
        await self._settle_late()
        await self._free_abandoned()
        await self.renew()
        if self._renewals % RENEWALS_PER_SWEEP == 0:
            await self.free_expired()

    def _build_resolver(self, requester: RequestContext, kinds: Collection[Kind]) -> LimitResolver:
        return LimitResolver(requester, self._clock.now(), kinds, self._operator_limits, self._usage_keys)

    async def _grant(self, reservation: Reservation) -> Sequence[LimitExceeded]:
        """Reserve what `reservation` is for; return the limits that prevent it."""
        granted = await self._usage.reserve(
            reservation.id,
            reservation.resolver.lookup,
            lambda stored: _build_claims(reservation.resolver, stored, reservation.amounts),
            process=self._process,
            now_ms=unix_ms(self._clock.discord_now()),
            lease_until_ms=self._lease_until_ms(),
        )
        reservation.claims = granted.claims
        if not granted.exceeded:
            self._reserved_at[reservation.id] = self._clock.monotonic()
        return granted.exceeded

    def _lease_until_ms(self) -> int:
        return unix_ms(self._clock.discord_now() + timedelta(seconds=LEASE_S))

    async def _grow(self, reservation: Reservation, kind: Kind, more: int) -> BotError | None:
        """Reserve `more` of `kind` for a reservation; return what prevents it, and then nothing has changed."""
        claims = {position: claim for position, claim in enumerate(reservation.claims) if claim.counter.kind == kind}
        resolver = reservation.resolver
        try:
            granted = await self._usage.grow(
                reservation.id,
                resolver.lookup,
                lambda stored: _build_claims(resolver, stored, {kind: more}),
                claims,
                more,
                lease_until_ms=self._lease_until_ms(),
            )
        except StoreUnavailable as error:
            return error
        if granted.exceeded:
            _, applicable, resets_at = _find_last_reset(resolver, granted.exceeded)
            return QuotaExceeded(build_stop(applicable, resets_at=resets_at), resets_at=resets_at)
        grown = dict(zip(claims, granted.claims, strict=True))
        reservation.claims = [grown.get(position, claim) for position, claim in enumerate(reservation.claims)]
        reservation.amounts[kind] += more
        self._reserved_at.setdefault(reservation.id, self._clock.monotonic())  # it may have been given up before
        return None

    async def _finish(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation` once: record what is to be counted, and settle it in a task of its own."""
        if reservation.ended:
            return
        reservation.ended = True
        self._reserved_at.pop(reservation.id, None)
        self._unsettled[reservation.id] = [
            Spent(min(amounts.get(Kind(claim.counter.kind), 0), MAX_AMOUNT), claim.limit, _next_counter(claim.counter))
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


def _build_claims(resolver: LimitResolver, stored: Sequence[Limit], amounts: Mapping[Kind, int]) -> list[Claim]:
    """Return claims of `amounts` on all counters of `resolver` that are of their kinds, sorted."""
    return [
        Claim(counter, amounts[applicable.limit.kind], applicable.max_amount)
        for counter, applicable in sorted(resolver.resolve(stored).items(), key=lambda each: each[0])
        if applicable.limit.kind in amounts
    ]


def _find_last_reset(
    resolver: LimitResolver, exceeded: Sequence[LimitExceeded]
) -> tuple[LimitExceeded, ApplicableLimit, datetime]:
    """Return, of the exceeded limits, the one that resets last; of several, the one nearest to the member."""
    by_counter = {over.claim.counter: over for over in exceeded}
    last = max(
        (counter for counter in resolver.strictest if counter in by_counter), key=lambda counter: counter.ends_at_ms
    )
    applicable = resolver.strictest[last]
    return by_counter[last], applicable, applicable.limit.per.end(resolver.moment)


def _next_counter(counter: UsageCounter) -> UsageCounter:
    """Return the counter of the same use for the next period."""
    ends_at_ms = _period_end_ms(counter.ends_at_ms, counter.period)
    return UsageCounter(counter.scope, counter.subject, counter.kind, counter.period, counter.ends_at_ms, ends_at_ms)


@lru_cache(maxsize=16)
def _period_end_ms(starts_at_ms: int, per: str) -> int:
    return unix_ms(Period(per).end(datetime.fromtimestamp(starts_at_ms / 1000, UTC)))
