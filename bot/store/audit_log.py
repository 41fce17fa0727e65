"""The audit log of settings: an entry is written in the same transaction as the change itself.

Moderators can make any number of changes, so each new entry trims its guild's log to `MAX_ENTRIES` and
`MAX_LONG_TEXTS`. The daily sweep deletes entries older than 90 days.
"""

from dataclasses import dataclass
from typing import Final

from bot.store.database import Database, Transaction

_RECORD = """
    INSERT INTO audit_log (guild_id, channel_id, setting, old, new, changed_by, changed_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""

MAX_ENTRIES: Final = 1000
"""Entries per guild; the oldest are deleted."""

MAX_LONG_TEXTS: Final = 10
"""Entries per guild that keep a text of more than 100 characters; older ones keep only its length."""

_TRIM = """
    DELETE FROM audit_log WHERE guild_id = ? AND id <= (
        SELECT id FROM audit_log WHERE guild_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?
    )
"""

_SHORTEN = """
    UPDATE audit_log SET
        old_length = CASE WHEN length(old) > 100 THEN length(old) ELSE old_length END,
        new_length = CASE WHEN length(new) > 100 THEN length(new) ELSE new_length END,
        old = CASE WHEN length(old) > 100 THEN NULL ELSE old END,
        new = CASE WHEN length(new) > 100 THEN NULL ELSE new END
    WHERE guild_id = ? AND (length(old) > 100 OR length(new) > 100) AND id <= (
        SELECT id FROM audit_log WHERE guild_id = ? AND (length(old) > 100 OR length(new) > 100)
        ORDER BY id DESC LIMIT 1 OFFSET ?
    )
"""

_NEWEST = """
    SELECT guild_id, channel_id, setting, old, new, changed_by, changed_at_ms, old_length, new_length
    FROM audit_log WHERE guild_id = ? ORDER BY id DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `channel_id` is None for a setting of the whole guild, `old` or `new` where nothing is set.

    `by` is None once that member had their data deleted. `old_length` and `new_length` count the characters of a text
    that is no longer kept.
    """

    guild_id: int | None
    channel_id: int | None
    setting: str
    old: str | None
    new: str | None
    by: int | None
    at_ms: int
    old_length: int | None = None
    new_length: int | None = None


async def record(transaction: Transaction, change: AuditEntry) -> None:
    """Record `change` in the transaction that carries it out, and trim the log; ignore one that changes nothing."""
    if change.old != change.new:
        guild_id = change.guild_id
        await transaction.execute(
            _RECORD,
            (
                change.guild_id,
                change.channel_id,
                change.setting,
                change.old,
                change.new,
                change.by,
                change.at_ms,
            ),
        )
        await transaction.execute(_TRIM, (guild_id, guild_id, MAX_ENTRIES))
        await transaction.execute(_SHORTEN, (guild_id, guild_id, MAX_LONG_TEXTS))


class AuditLog:
    """Reads the entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(self, guild_id: int, limit: int) -> list[AuditEntry]:
        """Return a guild's last `limit` changes, the newest first.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_NEWEST, (guild_id, limit)))
        return [AuditEntry(*row) for row in rows]
