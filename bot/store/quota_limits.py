"""What a limit is, and the table of those that moderators set for their guild; which apply is decided in `bot/quotas`.

Members are known by the keyed hash under which their use is counted. Their plain id is beside it only so that the
list can name them, and goes with the rest of their data; the limit stays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.store.audit_log import AuditEntry, record
from bot.store.database import Database, Transaction

_APPLYING = """
    SELECT scope, target_id, kind, period, max_amount, member_id FROM quota_limits
    WHERE guild_id = ? AND scope = 'server'
    UNION ALL
    SELECT scope, target_id, kind, period, max_amount, member_id FROM quota_limits
    WHERE guild_id = ? AND scope = 'channel' AND target_id IN (0, ?)
    UNION ALL
    SELECT scope, target_id, kind, period, max_amount, member_id FROM quota_limits
    WHERE guild_id = ? AND scope = 'member' AND target_id IN (0, ?)
    UNION ALL
    SELECT scope, target_id, kind, period, max_amount, member_id FROM quota_limits
    WHERE guild_id = ? AND scope = 'role'
"""

_ALL = """
    SELECT scope, target_id, kind, period, max_amount, member_id FROM quota_limits
    WHERE guild_id = ? ORDER BY guild_id, scope, target_id, kind, period
"""

_ONE = """
    SELECT scope, target_id, kind, period, max_amount, member_id FROM quota_limits
    WHERE guild_id = ? AND scope = ? AND target_id = ? AND kind = ? AND period = ?
"""

_COUNT = "SELECT count(*) FROM quota_limits WHERE guild_id = ?"

_SET = """
    INSERT INTO quota_limits (guild_id, scope, target_id, kind, period, max_amount, member_id)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (guild_id, scope, target_id, kind, period)
    DO UPDATE SET max_amount = excluded.max_amount, member_id = excluded.member_id
"""

_CLEAR = "DELETE FROM quota_limits WHERE guild_id = ? AND scope = ? AND target_id = ? AND kind = ? AND period = ?"

_EACH = 0
"""The target of a limit that has none."""


class Period(StrEnum):
    """The period that a limit is for, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def start(self, moment: datetime) -> datetime:
        """Return when the hour, day or month of `moment` (any time zone) began, in UTC."""
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        match self:
            case Period.HOUR:
                return hour
            case Period.DAY:
                return hour.replace(hour=0)
            case Period.MONTH:
                return hour.replace(day=1, hour=0)

    def end(self, moment: datetime) -> datetime:
        """Return when the next hour, day or month after `moment` begins, in UTC."""
        start = self.start(moment)
        match self:
            case Period.HOUR:
                return start + timedelta(hours=1)
            case Period.DAY:
                return start + timedelta(days=1)
            case Period.MONTH:
                return (start + timedelta(days=31)).replace(day=1)  # no month is longer, and two are never skipped


class Kind(StrEnum):
    """What is counted."""

    MESSAGES = "messages"
    TOKENS = "tokens"
    SPEECH_CHARACTERS = "speech_characters"
    IMAGES = "images"


class Scope(StrEnum):
    """Whom a limit is for."""

    SERVER = "server"
    CHANNEL = "channel"
    MEMBER = "member"
    ROLE = "role"


LimitKey = tuple[Scope, int, Kind, Period]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it was set, by a guild's moderators or by the operator.

    `target` is the channel's id, the role's id or the member's key; None means the whole guild together, or each
    channel or member separately. `max_amount` None means unlimited: use is counted and never refused. `member_id` is
    the member that it is for, unless that member's data was deleted.
    """

    scope: Scope
    target: int | None
    kind: Kind
    per: Period
    max_amount: int | None
    member_id: int | None = None

    @property
    def key(self) -> LimitKey:
        """What identifies this limit in its guild."""
        return (self.scope, _EACH if self.target is None else self.target, self.kind, self.per)

    @property
    def amount(self) -> str:
        """The limit for the audit log."""
        return "unlimited" if self.max_amount is None else str(self.max_amount)


@dataclass(frozen=True, slots=True)
class QuotaLookup:
    """What limits are looked up by. `member` is the keyed hash of the member in this guild."""

    guild_id: int
    channel_id: int
    member: int


async def list_applicable_limits(transaction: Transaction, lookup: QuotaLookup | None) -> list[Limit]:
    """Return the limits that can apply at `lookup`, those of all roles among them, within a transaction."""
    if lookup is None:
        return []
    guild_id = lookup.guild_id
    parameters = (guild_id, guild_id, lookup.channel_id, guild_id, lookup.member, guild_id)
    return [_build_limit(*row) for row in await transaction.fetch_all(_APPLYING, parameters)]


class QuotaLimits:
    """The limits of all guilds. Every method may raise StoreUnavailable, and has changed nothing then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_for_guild(self, guild_id: int) -> list[Limit]:
        """Return all limits of a guild."""

        async def work(transaction: Transaction) -> list[Limit]:
            return [_build_limit(*row) for row in await transaction.fetch_all(_ALL, (guild_id,))]

        return await self._database.read(work)

    async def set(self, guild_id: int, limit: Limit, *, max_count: int, by: int, at_ms: int) -> Limit | None:
        """Set a limit in place of the one with the same key, record the change, and return the old one.

        `by` is the member who set it, `at_ms` when.

        Raises:
            LimitsFull: it would be one more than `max_count`.
        """

        async def work(transaction: Transaction) -> Limit | None:
            old = await transaction.fetch_one(_ONE, (guild_id, *limit.key))
            if old is None:
                counted = await transaction.fetch_one(_COUNT, (guild_id,))
                if counted is not None and counted[0] >= max_count:
                    raise LimitsFull
            await transaction.execute(_SET, (guild_id, *limit.key, limit.max_amount, limit.member_id))
            before = None if old is None else _build_limit(*old)
            await record(transaction, _change(guild_id, limit.key, before, limit, by, at_ms))
            return before

        return await self._database.write(work)

    async def clear(self, guild_id: int, key: LimitKey, *, by: int, at_ms: int) -> Limit | None:
        """Delete the limit with that key and record the change; return it, or None if there was none."""

        async def work(transaction: Transaction) -> Limit | None:
            old = await transaction.fetch_one(_ONE, (guild_id, *key))
            if old is None:
                return None
            await transaction.execute(_CLEAR, (guild_id, *key))
            before = _build_limit(*old)
            await record(transaction, _change(guild_id, key, before, None, by, at_ms))
            return before

        return await self._database.write(work)


class LimitsFull(Exception):
    """A guild has as many limits as it may."""


def _build_limit(
    scope: str, target_id: int, kind: str, per: str, max_amount: int | None, member_id: int | None
) -> Limit:
    target = None if target_id == _EACH else target_id
    return Limit(Scope(scope), target, Kind(kind), Period(per), max_amount, member_id)


def _change(guild_id: int, key: LimitKey, old: Limit | None, new: Limit | None, by: int, at_ms: int) -> AuditEntry:
    """Return the audit-log entry of a change; of a member it has the keyed hash only."""
    scope, target_id, kind, per = key
    return AuditEntry(
        guild_id,
        target_id if scope == "channel" and target_id != _EACH else None,
        f"quota/{scope}/{target_id or 'all'}/{kind}/{per}",
        None if old is None else old.amount,
        None if new is None else new.amount,
        by,
        at_ms,
    )
