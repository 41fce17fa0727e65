"""Usage windows and the reservations on them: what was spent, what is held back for answers under way.

Each change is one transaction. Windows are always touched in their sorted order, so that no two transactions wait for
each other, and always by a statement that changes them, so that what is read is locked. What the limits are and how
they are worded is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.store.database import Database, Transaction

_COUNT = """
    INSERT INTO usage_windows (scope, subject, kind, per, starts_at_ms, ends_at_ms, settled, reserved)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?)
    ON CONFLICT (scope, subject, kind, per, starts_at_ms)
    DO UPDATE SET reserved = usage_windows.reserved + excluded.reserved
    RETURNING id, settled + reserved
"""

_OPEN = "INSERT INTO reservations (id, process, reserved_at_ms, lease_until_ms) VALUES (?, ?, ?, ?)"

_HOLD = "INSERT INTO holds (reservation_id, position, window_id, amount) VALUES (?, ?, ?, ?)"

_CLOSE = "DELETE FROM reservations WHERE id = ?"

_TAKE_HOLDS = "DELETE FROM holds WHERE reservation_id = ? RETURNING position, window_id, amount"

_SETTLE = "UPDATE usage_windows SET reserved = reserved - ?, settled = settled + ? WHERE id = ?"

_RENEW = """
    UPDATE reservations SET lease_until_ms = ? WHERE process = ? AND reserved_at_ms > ? AND freed_at_ms IS NULL
"""

_EXPIRED = """
    SELECT id FROM reservations WHERE freed_at_ms IS NULL AND lease_until_ms <= ? ORDER BY lease_until_ms LIMIT 100
"""

_FREE = "UPDATE reservations SET freed_at_ms = ? WHERE id = ? AND freed_at_ms IS NULL AND lease_until_ms <= ?"

_HOLDS = "SELECT window_id, amount FROM holds WHERE reservation_id = ? ORDER BY position"

_GIVE_BACK = "UPDATE usage_windows SET reserved = reserved - ? WHERE id = ?"

_EMPTY_HOLDS = "UPDATE holds SET amount = 0 WHERE reservation_id = ?"

_FORGET_HOLDS = """
    DELETE FROM holds WHERE reservation_id IN (
        SELECT id FROM reservations WHERE freed_at_ms IS NOT NULL AND freed_at_ms <= ?
    )
"""

_FORGET_FREED = "DELETE FROM reservations WHERE freed_at_ms IS NOT NULL AND freed_at_ms <= ?"

_FORGET_WINDOWS = """
    DELETE FROM usage_windows WHERE id IN (
        SELECT id FROM usage_windows WHERE ends_at_ms <= ?
        AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.window_id = usage_windows.id) LIMIT 500
    )
"""

_USED = """
    SELECT settled + reserved FROM usage_windows
    WHERE scope = ? AND subject = ? AND kind = ? AND per = ? AND starts_at_ms = ?
"""


@dataclass(frozen=True, slots=True, order=True)
class UsageWindow:
    """Whose use of what is counted, and over which stretch of the calendar. Their order is the order of locking."""

    scope: str
    subject: int
    kind: str
    per: str
    starts_at_ms: int
    ends_at_ms: int

    @property
    def key(self) -> tuple[str, int, str, str, int]:
        """What tells this window from all others."""
        return (self.scope, self.subject, self.kind, self.per, self.starts_at_ms)


@dataclass(frozen=True, slots=True)
class Claim:
    """An amount to hold back in one window, whose use may not pass `limit` (None: counted, never refused)."""

    window: UsageWindow
    amount: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Overdraw:
    """A claim that would pass its limit, and what was used before it."""

    claim: Claim
    used: int


class Spending:
    """The counts of all windows and the open reservations of all processes. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self, reservation_id: int, claims: Sequence[Claim], *, process: str, now_ms: int, lease_until_ms: int
    ) -> list[Overdraw]:
        """Hold back all `claims` (sorted by window) under `reservation_id`, or none.

        Returns the claims that would pass their limits; nothing was changed unless there are none.
        """

        async def work(transaction: Transaction) -> None:
            overdrawn: list[Overdraw] = []
            holds: list[tuple[int, int, int, int]] = []
            counted = await transaction.fetch_each(
                _COUNT, [(*claim.window.key, claim.window.ends_at_ms, claim.amount) for claim in claims]
            )
            for position, (claim, row) in enumerate(zip(claims, counted, strict=True)):
                assert row is not None, "RETURNING gives the row that was added or changed"
                window_id, used = row
                if claim.limit is not None and used > claim.limit:
                    overdrawn.append(Overdraw(claim, used=used - claim.amount))
                holds.append((reservation_id, position, window_id, claim.amount))
            if overdrawn:
                raise _RolledBack(overdrawn)
            await transaction.execute(_OPEN, (reservation_id, process, now_ms, lease_until_ms))
            await transaction.execute_many(_HOLD, holds)

        try:
            await self._database.write(work)
        except _RolledBack as refused:
            return refused.overdrawn
        return []

    async def settle(self, reservation_id: int, spent: Mapping[int, int]) -> bool:
        """End a reservation: give its holds back and count `spent` (claim's position → amount) in the same windows.

        Returns False, having done nothing, where the reservation has been ended before or never was. One whose lease
        ran out is still settled: its holds were given back then, what it spent is counted now.
        """

        async def work(transaction: Transaction) -> bool:
            if not await transaction.execute(_CLOSE, (reservation_id,)):
                return False
            holds = sorted(await transaction.fetch_all(_TAKE_HOLDS, (reservation_id,)))
            await transaction.execute_many(
                _SETTLE, [(amount, spent.get(position, 0), window_id) for position, window_id, amount in holds]
            )
            return True

        return await self._database.write(work)

    async def renew(self, process: str, *, reserved_after_ms: int, lease_until_ms: int) -> int:
        """Lengthen the leases of all that `process` reserved after a time; returns how many."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_RENEW, (lease_until_ms, process, reserved_after_ms))

        return await self._database.write(work)

    async def free_expired(self, now_ms: int) -> int:
        """Give back what is held by reservations whose lease has run out, of any process; returns how many."""

        async def expired(transaction: Transaction) -> list[int]:
            return [row[0] for row in await transaction.fetch_all(_EXPIRED, (now_ms,))]

        freed = 0
        while reservation_ids := await self._database.read(expired):
            for reservation_id in reservation_ids:
                freed += await self._free(reservation_id, now_ms)
        return freed

    async def forget(self, *, freed_before_ms: int, ended_before_ms: int) -> None:
        """Delete reservations freed, and (in batches, a batch a call) windows ended, before the given times."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_FORGET_HOLDS, (freed_before_ms,))
            await transaction.execute(_FORGET_FREED, (freed_before_ms,))
            await transaction.execute(_FORGET_WINDOWS, (ended_before_ms,))

        await self._database.write(work)

    async def used(self, windows: Sequence[UsageWindow]) -> list[int]:
        """Tell what is settled and reserved together in each of `windows`."""

        async def work(transaction: Transaction) -> list[int]:
            rows = await transaction.fetch_each(_USED, [window.key for window in windows])
            return [0 if row is None else row[0] for row in rows]

        return await self._database.read(work)

    async def _free(self, reservation_id: int, now_ms: int) -> bool:
        """Free one reservation, unless it was renewed, settled or freed since it was found."""

        async def work(transaction: Transaction) -> bool:
            if not await transaction.execute(_FREE, (now_ms, reservation_id, now_ms)):
                return False
            holds = await transaction.fetch_all(_HOLDS, (reservation_id,))
            await transaction.execute_many(_GIVE_BACK, [(amount, window_id) for window_id, amount in holds])
            await transaction.execute(_EMPTY_HOLDS, (reservation_id,))
            return True

        return await self._database.write(work)


class _RolledBack(Exception):
    def __init__(self, overdrawn: list[Overdraw]) -> None:
        super().__init__("over a limit")
        self.overdrawn = overdrawn
