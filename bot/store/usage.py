"""Usage counters and reservations: what was used, and what is reserved for answers in flight.

Each change is one transaction. Counters are always locked in their sorted order, so that no two transactions wait for
each other, and always by a statement that changes them, so that what is read is locked. The limits that moderators set
are read in the same transaction; what follows from them and how it is worded is decided elsewhere.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

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

_OPEN = "INSERT INTO reservations (id, process, reserved_at_ms) VALUES (?, ?, ?)"

_ADD_ITEM = "INSERT INTO reservation_items (reservation_id, position, counter_id, amount) VALUES (?, ?, ?, ?)"

_CLOSE = "DELETE FROM reservations WHERE id = ? RETURNING freed_at_ms"

_DELETE_ITEMS = (
    "DELETE FROM reservation_items WHERE reservation_id = ? RETURNING position, counter_id, amount, due_amount"
)

_LOCK = "UPDATE reservations SET freed_at_ms = freed_at_ms WHERE id = ? RETURNING freed_at_ms"

_REOPEN = "UPDATE reservations SET freed_at_ms = NULL, process = ? WHERE id = ?"

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

_LIST_OPEN = "SELECT id, reserved_at_ms FROM reservations WHERE process = ? AND freed_at_ms IS NULL"

# Not if it has been opened again by another process.
_FREE = "UPDATE reservations SET freed_at_ms = ? WHERE id = ? AND process = ? AND freed_at_ms IS NULL"

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


class ClaimBuilder(Protocol):
    """What is claimed under the limits that are found in the transaction that claims it."""

    @property
    def lookup(self) -> QuotaLookup | None:
        """Where the limits are looked up; None where moderators can set none."""
        ...

    def build(self, stored: Sequence[Limit]) -> Sequence[Claim]:
        """Return the claims under the limits that were found, sorted by counter."""
        ...


class UsageStore:
    """All usage counters and the open reservations of all processes. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self, reservation_id: int, builder: ClaimBuilder, *, process: str, now_ms: int
    ) -> ReservationResult:
        """Reserve all claims of `builder`, or none, as `reservation_id`, which belongs to `process`."""

        async def work(transaction: Transaction) -> ReservationResult:
            claims = await _build_claims(transaction, builder)
            counted = await _count(transaction, claims)
            await transaction.execute(_OPEN, (reservation_id, process, now_ms))
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
        self, reservation_id: int, builder: ClaimBuilder, reserved: Mapping[int, Claim], more: int, *, process: str
    ) -> ReservationResult:
        """Reserve `more` for each `reserved` claim, by position, or for none; return the claims as they are then.

        The limits are those that `builder` finds now; a claim whose counter it no longer returns, because the limit
        was cleared, has none. If the reservation was freed, the whole claims are reserved again, for `process`.

        Raises:
            StoreUnavailable: the store cannot be used just now, or no longer knows the reservation.
        """

        async def work(transaction: Transaction) -> ReservationResult:
            was_freed = await _lock_to_grow(transaction, reservation_id)
            limits = {claim.counter: claim.limit for claim in await _build_claims(transaction, builder)}
            steps = {
                position: Claim(claim.counter, more + (claim.amount if was_freed else 0), limits.get(claim.counter))
                for position, claim in reserved.items()
            }
            await _count(transaction, list(steps.values()))
            await transaction.execute_many(
                _GROW_ITEM, [(more, step.amount, reservation_id, position) for position, step in steps.items()]
            )
            if was_freed:
                await transaction.execute(_REOPEN, (process, reservation_id))
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
        that was freed is still settled: its items were released then, what it spent is counted now. What was counted
        of it as due is part of what it spent.
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

    async def list_open(self, process: str) -> dict[int, int]:
        """Return when each reservation of `process` was made (in ms) that was neither settled nor freed, by its id."""
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_LIST_OPEN, (process,)))
        return {row[0]: row[1] for row in rows}

    async def free(self, reservation_id: int, process: str, now_ms: int) -> bool:
        """Release a reservation of `process`, less the amounts due; it can still be settled.

        Returns False, having done nothing, if it has been settled or freed before, or belongs to another process.
        """

        async def work(transaction: Transaction) -> bool:
            if not await transaction.execute(_FREE, (now_ms, reservation_id, process)):
                return False
            await transaction.execute_many(_SETTLE, await transaction.fetch_all(_ITEMS, (reservation_id,)))
            await transaction.execute(_EMPTY_ITEMS, (reservation_id,))
            return True

        return await self._database.write(work)

    async def delete_expired(self, *, freed_before_ms: int, ended_before_ms: int) -> int:
        """Delete reservations freed and counters ended before the given times; return how many counters.

        Of the counters a batch a call.
        """

        async def work(transaction: Transaction) -> int:
            await transaction.execute(_DELETE_OLD_ITEMS, (freed_before_ms,))
            await transaction.execute(_DELETE_FREED, (freed_before_ms,))
            return await transaction.execute(_DELETE_OLD_COUNTERS, (ended_before_ms,))

        return await self._database.write(work)

    async def get_used(self, builder: ClaimBuilder) -> dict[UsageCounter, int]:
        """Return the use, settled and reserved together, of each counter that `builder` would claim from."""

        async def work(transaction: Transaction) -> dict[UsageCounter, int]:
            counters = [claim.counter for claim in await _build_claims(transaction, builder)]
            rows = await transaction.fetch_each(_USED, [counter.key for counter in counters])
            return {counter: 0 if row is None else row[0] for counter, row in zip(counters, rows, strict=True)}

        return await self._database.read(work)

    async def _write_unless_exceeded(
        self, work: Callable[[Transaction], Awaitable[ReservationResult]]
    ) -> ReservationResult:
        try:
            return await self._database.write(work)
        except _RolledBack as refused:
            return ReservationResult((), refused.exceeded)


async def _build_claims(transaction: Transaction, builder: ClaimBuilder) -> Sequence[Claim]:
    return builder.build(await list_applicable_limits(transaction, builder.lookup))


async def _lock_to_grow(transaction: Transaction, reservation_id: int) -> bool:
    """Lock a reservation; return whether it was freed. What was then counted as due is reserved again with the rest.

    Raises:
        StoreUnavailable: it has ended.
    """
    found = await transaction.fetch_one(_LOCK, (reservation_id,))
    if found is None:
        raise StoreUnavailable("a reservation that has ended cannot grow")
    was_freed = found[0] is not None
    if was_freed:
        await transaction.execute_many(_UNCOUNT, await transaction.fetch_all(_DUE, (reservation_id,)))
    return was_freed


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
