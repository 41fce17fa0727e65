"""Usage counters and reservations: what was used, and what is reserved for answers in flight.

Each change is one transaction. Counters are always locked in their sorted order, so that no two transactions wait for
each other, and always by a statement that changes them, so that what is read is locked. The limits that moderators set
are read in the same transaction; what follows from them and how it is worded is decided elsewhere.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.errors import StoreUnavailable
from bot.store.database import Database, Transaction
from bot.store.quota_limits import Limit, QuotaLookup, list_applicable_limits

_COUNT = """
    INSERT INTO usage_counters (scope, subject, kind, period, starts_at_ms, ends_at_ms, settled, reserved)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?)
    ON CONFLICT (scope, subject, kind, period, starts_at_ms)
    DO UPDATE SET reserved = usage_counters.reserved + excluded.reserved
    RETURNING id, settled + reserved
"""

_OPEN = "INSERT INTO reservations (id, process, reserved_at_ms, lease_until_ms) VALUES (?, ?, ?, ?)"

_ADD_ITEM = "INSERT INTO reservation_items (reservation_id, position, counter_id, amount) VALUES (?, ?, ?, ?)"

_CLOSE = "DELETE FROM reservations WHERE id = ? RETURNING freed_at_ms"

_DELETE_ITEMS = (
    "DELETE FROM reservation_items WHERE reservation_id = ? RETURNING position, counter_id, amount, due_amount"
)

_LOCK = "UPDATE reservations SET freed_at_ms = freed_at_ms WHERE id = ? RETURNING freed_at_ms"

_RENEW_FREED = "UPDATE reservations SET freed_at_ms = NULL, lease_until_ms = ? WHERE id = ?"

# What is due of an item that grows: all but the last step, which is asked for ahead.
_GROW_ITEM = """
    UPDATE reservation_items SET
        due_amount = CASE WHEN due_amount > 0 THEN max(due_amount, amount - ?) ELSE 0 END, amount = amount + ?
    WHERE reservation_id = ? AND position = ?
"""

# Of one that was freed the due amounts are counted already.
_SET_DUE = """
    UPDATE reservation_items SET due_amount = ? WHERE reservation_id = ? AND position = ?
    AND (SELECT freed_at_ms FROM reservations WHERE id = reservation_id) IS NULL
"""

_DUE = "SELECT due_amount, counter_id FROM reservation_items WHERE reservation_id = ? AND due_amount > 0"

_UNCOUNT = "UPDATE usage_counters SET settled = settled - ? WHERE id = ?"

_SETTLE = "UPDATE usage_counters SET reserved = reserved - ?, settled = settled + ? WHERE id = ?"

_USED_OF = "SELECT settled + reserved FROM usage_counters WHERE id = ?"

_CARRY_INTO = """
    INSERT INTO usage_counters (scope, subject, kind, period, starts_at_ms, ends_at_ms, settled, reserved)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0)
    ON CONFLICT (scope, subject, kind, period, starts_at_ms)
    DO UPDATE SET settled = usage_counters.settled + excluded.settled
"""

_RENEW = "UPDATE reservations SET lease_until_ms = ? WHERE process = ? AND freed_at_ms IS NULL"

_EXPIRE = "UPDATE reservations SET lease_until_ms = 0 WHERE process = ? AND freed_at_ms IS NULL"

_EXPIRED_PROCESSES = """
    SELECT process FROM reservations WHERE freed_at_ms IS NULL AND lease_until_ms <= ? ORDER BY lease_until_ms
"""

_EXPIRED = "SELECT id FROM reservations WHERE process = ? AND freed_at_ms IS NULL AND lease_until_ms <= ? LIMIT 100"

_FREE = "UPDATE reservations SET freed_at_ms = ? WHERE id = ? AND freed_at_ms IS NULL AND lease_until_ms <= ?"

_EXPIRE_ONE = "UPDATE reservations SET lease_until_ms = 0 WHERE id = ? AND freed_at_ms IS NULL"

_ITEMS = "SELECT amount, due_amount, counter_id FROM reservation_items WHERE reservation_id = ? ORDER BY position"

_EMPTY_ITEMS = "UPDATE reservation_items SET amount = 0 WHERE reservation_id = ?"

_DELETE_OLD_ITEMS = """
    DELETE FROM reservation_items WHERE reservation_id IN (
        SELECT id FROM reservations WHERE freed_at_ms IS NOT NULL AND freed_at_ms <= ?
    )
"""

_DELETE_FREED = "DELETE FROM reservations WHERE freed_at_ms IS NOT NULL AND freed_at_ms <= ?"

_DELETE_OLD_COUNTERS = """
    DELETE FROM usage_counters WHERE id IN (
        SELECT id FROM usage_counters WHERE ends_at_ms <= ?
        AND NOT EXISTS (SELECT 1 FROM reservation_items WHERE reservation_items.counter_id = usage_counters.id)
        LIMIT 500
    )
"""

_USED = """
    SELECT settled + reserved FROM usage_counters
    WHERE scope = ? AND subject = ? AND kind = ? AND period = ? AND starts_at_ms = ?
"""


@dataclass(frozen=True, slots=True, order=True)
class UsageCounter:
    """Whose use of what is counted in which period. Their order is the order of locking."""

    scope: str
    subject: int
    kind: str
    period: str
    starts_at_ms: int
    ends_at_ms: int

    @property
    def key(self) -> tuple[str, int, str, str, int]:
        """What identifies this counter."""
        return (self.scope, self.subject, self.kind, self.period, self.starts_at_ms)


@dataclass(frozen=True, slots=True)
class Claim:
    """An amount to reserve in one counter, whose use may not exceed `limit` (None: counted, never refused)."""

    counter: UsageCounter
    amount: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class LimitExceeded:
    """A claim that would exceed its limit, and what was used before it."""

    claim: Claim
    used: int


@dataclass(frozen=True, slots=True)
class ReservationResult:
    """The result of claims: all of them are reserved, unless some are `exceeded`; then none is."""

    claims: Sequence[Claim]
    exceeded: Sequence[LimitExceeded] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used of a claim. What exceeds both the reservation and `limit` is counted in `following`."""

    amount: int
    limit: int | None
    following: UsageCounter


BuildClaims = Callable[[Sequence[Limit]], Sequence[Claim]]
"""Builds the claims, sorted by counter, under the limits that were found."""


class UsageStore:
    """All usage counters and the open reservations of all processes. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self,
        reservation_id: int,
        lookup: QuotaLookup | None,
        build_claims: BuildClaims,
        *,
        process: str,
        now_ms: int,
        lease_until_ms: int,
    ) -> ReservationResult:
        """Reserve all claims that `build_claims` returns for the limits at `lookup`, or none, as `reservation_id`."""

        async def work(transaction: Transaction) -> ReservationResult:
            claims = build_claims(await list_applicable_limits(transaction, lookup))
            counted = await _count(transaction, claims)
            await transaction.execute(_OPEN, (reservation_id, process, now_ms, lease_until_ms))
            await transaction.execute_many(
                _ADD_ITEM,
                [
                    (reservation_id, position, counter_id, claim.amount)
                    for position, (claim, counter_id) in enumerate(zip(claims, counted, strict=True))
                ],
            )
            return ReservationResult(claims)

        return await self._write_unless_exceeded(work)

    async def grow(
        self,
        reservation_id: int,
        lookup: QuotaLookup | None,
        build_claims: BuildClaims,
        reserved: Mapping[int, Claim],
        more: int,
        *,
        lease_until_ms: int,
    ) -> ReservationResult:
        """Reserve `more` for each `reserved` claim, by position, or for none; return the claims as they are then.

        The limits are those that `build_claims` finds now; a claim whose counter it no longer returns, because the
        limit was cleared, has none. If the lease expired and the items were released, the whole claims are reserved
        again.

        Raises:
            StoreUnavailable: the store cannot be used just now, or no longer knows the reservation.
        """

        async def work(transaction: Transaction) -> ReservationResult:
            found = await transaction.fetch_one(_LOCK, (reservation_id,))
            if found is None:
                raise StoreUnavailable("a reservation that has ended cannot grow")
            was_freed = found[0] is not None
            if was_freed:
                await transaction.execute_many(_UNCOUNT, await transaction.fetch_all(_DUE, (reservation_id,)))
            limits = {
                claim.counter: claim.limit for claim in build_claims(await list_applicable_limits(transaction, lookup))
            }
            steps = {
                position: Claim(claim.counter, more + (claim.amount if was_freed else 0), limits.get(claim.counter))
                for position, claim in reserved.items()
            }
            await _count(transaction, list(steps.values()))
            await transaction.execute_many(
                _GROW_ITEM, [(more, step.amount, reservation_id, position) for position, step in steps.items()]
            )
            if was_freed:
                await transaction.execute(_RENEW_FREED, (lease_until_ms, reservation_id))
            return ReservationResult(
                [
                    Claim(claim.counter, claim.amount + more, steps[position].limit)
                    for position, claim in reserved.items()
                ]
            )

        return await self._write_unless_exceeded(work)

    async def set_due(self, reservation_id: int, due: Mapping[int, int]) -> None:
        """Set how much of each item (by its position) is counted in any case, even if the process dies."""

        async def work(transaction: Transaction) -> None:
            items = [(amount, reservation_id, position) for position, amount in due.items()]
            await transaction.execute_many(_SET_DUE, items)

        await self._database.write(work)

    async def settle(self, reservation_id: int, spent: Sequence[Spent]) -> bool:
        """End a reservation: release its items and count what was `spent` of each claim, in the claims' order.

        It counts in the same counters, except what exceeds both the reservation and the limit: that goes into the
        following counter. Returns False, having done nothing, if the reservation has ended before or never was. One
        whose lease expired is still settled: its items were released then, what it spent is counted now. What was
        counted of it as due is part of what it spent.
        """

        async def work(transaction: Transaction) -> bool:
            closed = await transaction.fetch_one(_CLOSE, (reservation_id,))
            if closed is None:
                return False
            was_freed = closed[0] is not None
            items = sorted(await transaction.fetch_all(_DELETE_ITEMS, (reservation_id,)))
            for position, counter_id, reserved, due in items:
                counted = due if was_freed else 0
                await transaction.execute(_SETTLE, (reserved, spent[position].amount - counted, counter_id))
            for position, counter_id, reserved, due in items:
                counted = due if was_freed else 0
                if spent[position].amount > reserved + counted:
                    await _carry_over(transaction, counter_id, spent[position], reserved + counted)
            return True

        return await self._database.write(work)

    async def renew_leases(self, process: str, *, lease_until_ms: int) -> int:
        """Renew the leases of all reservations of `process`; return how many."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_RENEW, (lease_until_ms, process))

        return await self._database.write(work)

    async def expire_leases(self, process: str) -> int:
        """Expire the leases of all reservations of `process` at once; return how many."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_EXPIRE, (process,))

        return await self._database.write(work)

    async def list_expired_processes(self, now_ms: int) -> set[str]:
        """Return the processes with reservations whose lease has expired."""
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_EXPIRED_PROCESSES, (now_ms,)))
        return {row[0] for row in rows}

    async def release_expired(self, process: str, now_ms: int) -> int:
        """Release the expired reservations of `process`, less the amounts due; return how many."""

        async def expired(transaction: Transaction) -> list[int]:
            return [row[0] for row in await transaction.fetch_all(_EXPIRED, (process, now_ms))]

        freed = 0
        while reservation_ids := await self._database.read(expired):
            for reservation_id in reservation_ids:
                freed += await self._free(reservation_id, now_ms)
        return freed

    async def release(self, reservation_id: int, now_ms: int) -> bool:
        """Release one reservation, less the amounts due, whatever its lease; it can still be settled."""
        await self._database.write(lambda transaction: transaction.execute(_EXPIRE_ONE, (reservation_id,)))
        return await self._free(reservation_id, now_ms)

    async def delete_expired(self, *, freed_before_ms: int, ended_before_ms: int) -> None:
        """Delete reservations freed and counters ended before the given times; of the counters a batch a call."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_DELETE_OLD_ITEMS, (freed_before_ms,))
            await transaction.execute(_DELETE_FREED, (freed_before_ms,))
            await transaction.execute(_DELETE_OLD_COUNTERS, (ended_before_ms,))

        await self._database.write(work)

    async def get_used(
        self, lookup: QuotaLookup | None, build_claims: Callable[[Sequence[Limit]], Sequence[UsageCounter]]
    ) -> list[int]:
        """Return the use, settled and reserved together, of each counter that `build_claims` returns."""

        async def work(transaction: Transaction) -> list[int]:
            counters = build_claims(await list_applicable_limits(transaction, lookup))
            rows = await transaction.fetch_each(_USED, [counter.key for counter in counters])
            return [0 if row is None else row[0] for row in rows]

        return await self._database.read(work)

    async def _write_unless_exceeded(
        self, work: Callable[[Transaction], Awaitable[ReservationResult]]
    ) -> ReservationResult:
        try:
            return await self._database.write(work)
        except _RolledBack as refused:
            return ReservationResult((), refused.exceeded)

    async def _free(self, reservation_id: int, now_ms: int) -> bool:
        """Free one reservation, unless it was renewed, settled or freed since it was read."""

        async def work(transaction: Transaction) -> bool:
            if not await transaction.execute(_FREE, (now_ms, reservation_id, now_ms)):
                return False
            await transaction.execute_many(_SETTLE, await transaction.fetch_all(_ITEMS, (reservation_id,)))
            await transaction.execute(_EMPTY_ITEMS, (reservation_id,))
            return True

        return await self._database.write(work)


async def _count(transaction: Transaction, claims: Sequence[Claim]) -> list[int]:
    """Add each claim to what is reserved in its counter, in the order of the counters; return the counters' ids.

    Raises:
        _RolledBack: some would pass their limits.
    """
    counted = await transaction.fetch_each(
        _COUNT, [(*claim.counter.key, claim.counter.ends_at_ms, claim.amount) for claim in claims]
    )
    exceeded: list[LimitExceeded] = []
    counter_ids: list[int] = []
    for claim, row in zip(claims, counted, strict=True):
        assert row is not None, "RETURNING gives the row that was added or changed"
        counter_id, used = row
        if claim.limit is not None and used > claim.limit:
            exceeded.append(LimitExceeded(claim, used=used - claim.amount))
        counter_ids.append(counter_id)
    if exceeded:
        raise _RolledBack(exceeded)
    return counter_ids


async def _carry_over(transaction: Transaction, counter_id: int, spent: Spent, reserved: int) -> None:
    """Move into the following counter what exceeds both the reservation and the limit."""
    used = await transaction.fetch_one(_USED_OF, (counter_id,))
    if used is None or spent.limit is None:
        return
    beyond = min(spent.amount - reserved, used[0] - spent.limit)
    if beyond > 0:
        following = spent.following
        await transaction.execute(_UNCOUNT, (beyond, counter_id))
        await transaction.execute(_CARRY_INTO, (*following.key, following.ends_at_ms, beyond))


class _RolledBack(Exception):
    def __init__(self, exceeded: list[LimitExceeded]) -> None:
        super().__init__("over a limit")
        self.exceeded = exceeded
