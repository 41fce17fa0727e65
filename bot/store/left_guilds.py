"""Guilds that the bot is no longer in, and the deletion of all that is stored of them."""

from dataclasses import dataclass
from typing import Final

from bot.store.database import Database, Transaction

_RECORD = "INSERT INTO left_guilds (guild_id, noticed_at_ms) VALUES (?, ?) ON CONFLICT (guild_id) DO NOTHING"
_CLEAR = "DELETE FROM left_guilds WHERE guild_id = ?"

_DUE = "SELECT guild_id FROM left_guilds WHERE noticed_at_ms <= ? ORDER BY noticed_at_ms LIMIT 1000"

_STILL_DUE = "SELECT 1 FROM left_guilds WHERE guild_id = ? AND noticed_at_ms <= ?"


def _list_guilds_sql(rows: str, column: str = "guild_id") -> str:
    """Build the statement that lists the guilds in a table, by one index look-up for each."""
    return f"""
        WITH RECURSIVE known (id) AS (
            SELECT min({column}) FROM {rows} {column} > 0
            UNION ALL
            SELECT (SELECT min({column}) FROM {rows} {column} > known.id) FROM known WHERE known.id IS NOT NULL
        )
        SELECT id FROM known WHERE id IS NOT NULL
    """  # noqa: S608 - constants alone


_OF_TURNS = _list_guilds_sql("turns WHERE")
_OF_SETTINGS = _list_guilds_sql("settings WHERE")
_OF_AUDIT_LOG = _list_guilds_sql("audit_log WHERE")
_OF_QUOTA_LIMITS = _list_guilds_sql("quota_limits WHERE")
_OF_PRONUNCIATIONS = _list_guilds_sql("pronunciations WHERE")
_OF_PERSONAS = _list_guilds_sql("personas WHERE")
_OF_IMAGES = _list_guilds_sql("image_generations WHERE")
_OF_USAGE = _list_guilds_sql("usage_counters WHERE scope = 'server' AND", "subject")

_PURGE_TURNS = "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE guild_id = ? ORDER BY id LIMIT 200)"

_PURGE_SETTINGS = "DELETE FROM settings WHERE guild_id = ?"

_PURGE_AUDIT_LOG = (
    "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE guild_id = ? ORDER BY id LIMIT 200)"
)

_PURGE_QUOTA_LIMITS = "DELETE FROM quota_limits WHERE guild_id = ?"

_PURGE_PRONUNCIATIONS = "DELETE FROM pronunciations WHERE guild_id = ?"

_PURGE_PERSONAS = "DELETE FROM personas WHERE guild_id = ?"

_PURGE_IMAGES = """
    DELETE FROM image_generations WHERE id IN (
        SELECT id FROM image_generations WHERE guild_id = ? ORDER BY id LIMIT 200
    )
"""

# What is reserved on a counter is still to be settled there.
_PURGE_USAGE = """
    DELETE FROM usage_counters WHERE scope = 'server' AND subject = ?
    AND NOT EXISTS (SELECT 1 FROM reservation_items WHERE reservation_items.counter_id = usage_counters.id)
"""


@dataclass(frozen=True, slots=True)
class GuildTable:
    """A table whose rows belong to guilds: the column with the guild, and SQL to list the guilds and delete their rows.

    `list_guilds` reads one row a guild, by index. `purge` takes the guild's id and is run until it deletes nothing.
    """

    table: str
    column: str
    list_guilds: str
    purge: str


GUILD_TABLES: Final = (
    GuildTable("turns", "guild_id", _OF_TURNS, _PURGE_TURNS),
    GuildTable("image_generations", "guild_id", _OF_IMAGES, _PURGE_IMAGES),
    GuildTable("usage_counters", "subject", _OF_USAGE, _PURGE_USAGE),
    GuildTable("settings", "guild_id", _OF_SETTINGS, _PURGE_SETTINGS),
    GuildTable("audit_log", "guild_id", _OF_AUDIT_LOG, _PURGE_AUDIT_LOG),
    GuildTable("quota_limits", "guild_id", _OF_QUOTA_LIMITS, _PURGE_QUOTA_LIMITS),
    GuildTable("pronunciations", "guild_id", _OF_PRONUNCIATIONS, _PURGE_PRONUNCIATIONS),
    GuildTable("personas", "guild_id", _OF_PERSONAS, _PURGE_PERSONAS),
)
"""All that is stored of a guild. A test demands every table with a column for guilds."""


class LeftGuilds:
    """The guilds that were left, until they are purged or joined again. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, guild_ids: list[int], at_ms: int) -> None:
        """Record that the bot is no longer in these guilds; earlier times stay."""
        if not guild_ids:
            return

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_RECORD, [(guild_id, at_ms) for guild_id in guild_ids])

        await self._database.write(work)

    async def clear(self, guild_ids: list[int]) -> None:
        """Record that the bot is in these guilds."""
        if not guild_ids:
            return

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_CLEAR, [(guild_id,) for guild_id in guild_ids])

        await self._database.write(work)

    async def list_known_guilds(self) -> set[int]:
        """Return the guilds of which anything is stored."""

        async def work(transaction: Transaction) -> set[int]:
            return {row[0] for each in GUILD_TABLES for row in await transaction.fetch_all(each.list_guilds)}

        return await self._database.read(work)

    async def list_due(self, noticed_before_ms: int) -> list[int]:
        """Return the guilds that were found left by then, at most 1000."""

        async def work(transaction: Transaction) -> list[int]:
            return [row[0] for row in await transaction.fetch_all(_DUE, (noticed_before_ms,))]

        return await self._database.read(work)

    async def purge(self, guild_id: int, *, noticed_before_ms: int) -> int:
        """Delete all that is stored of a guild, in small batches; return how many rows.

        Ends early if the bot joins the guild again.
        """
        total = 0
        for each in GUILD_TABLES:
            while removed := await self._purge_batch(each.purge, guild_id, noticed_before_ms):
                total += removed
        await self._purge_batch(_CLEAR, guild_id, noticed_before_ms)
        return total

    async def _purge_batch(self, sql: str, guild_id: int, noticed_before_ms: int) -> int:
        async def work(transaction: Transaction) -> int:
            if not await transaction.fetch_one(_STILL_DUE, (guild_id, noticed_before_ms)):
                return 0
            return await transaction.execute(sql, (guild_id,))

        return await self._database.write(work)
