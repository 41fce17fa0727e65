"""Servers that the bot is no longer in: when that was noticed, and taking away all that is kept of them."""

from dataclasses import dataclass
from typing import Final

from bot.store.database import Database, Transaction

_NOTE = "INSERT INTO left_guilds (guild_id, noticed_at_ms) VALUES (?, ?) ON CONFLICT (guild_id) DO NOTHING"

_CLEAR = "DELETE FROM left_guilds WHERE guild_id = ?"

_DUE = "SELECT guild_id FROM left_guilds WHERE noticed_at_ms <= ? ORDER BY noticed_at_ms LIMIT 1000"

_STILL_DUE = "SELECT 1 FROM left_guilds WHERE guild_id = ? AND noticed_at_ms <= ?"


def _servers_in(rows: str, column: str = "guild_id") -> str:
    """Write the statement that names the servers in a table, by one look into its index for each."""
    return f"""
        WITH RECURSIVE known (id) AS (
            SELECT min({column}) FROM {rows} {column} > 0
            UNION ALL
            SELECT (SELECT min({column}) FROM {rows} {column} > known.id) FROM known WHERE known.id IS NOT NULL
        )
        SELECT id FROM known WHERE id IS NOT NULL
    """  # noqa: S608 - written below, not by anybody else


_OF_TURNS = _servers_in("turns WHERE")
_OF_SETTINGS = _servers_in("settings WHERE")
_OF_CHANGES = _servers_in("audit_log WHERE")
_OF_QUOTA_RULES = _servers_in("quota_limits WHERE")
_OF_PRONUNCIATIONS = _servers_in("pronunciations WHERE")
_OF_PRESETS = _servers_in("personas WHERE")
_OF_SKETCHES = _servers_in("image_generations WHERE")
_OF_USE = _servers_in("usage_counters WHERE scope = 'server' AND", "subject")

_PURGE_TURNS = "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE guild_id = ? ORDER BY id LIMIT 200)"

_PURGE_SETTINGS = "DELETE FROM settings WHERE guild_id = ?"

_PURGE_CHANGES = "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE guild_id = ? ORDER BY id LIMIT 200)"

_PURGE_QUOTA_RULES = "DELETE FROM quota_limits WHERE guild_id = ?"

_PURGE_PRONUNCIATIONS = "DELETE FROM pronunciations WHERE guild_id = ?"

_PURGE_PRESETS = "DELETE FROM personas WHERE guild_id = ?"

_PURGE_SKETCHES = """
    DELETE FROM image_generations WHERE id IN (
        SELECT id FROM image_generations WHERE guild_id = ? ORDER BY id LIMIT 200
    )
"""

# What is held in a window is still to be settled there.
_PURGE_USE = """
    DELETE FROM usage_counters WHERE scope = 'server' AND subject = ?
    AND NOT EXISTS (SELECT 1 FROM reservation_items WHERE reservation_items.counter_id = usage_counters.id)
"""


@dataclass(frozen=True, slots=True)
class GuildTable:
    """A table's rows that belong to a server: the column that says so, which servers there are, and taking them away.

    `list_guilds` reads one row a server, by index. `purge` takes the server's id; run until it finds nothing more.
    """

    table: str
    column: str
    list_guilds: str
    purge: str


GUILD_TABLES: Final = (
    GuildTable("turns", "guild_id", _OF_TURNS, _PURGE_TURNS),
    GuildTable("image_generations", "guild_id", _OF_SKETCHES, _PURGE_SKETCHES),
    GuildTable("usage_counters", "subject", _OF_USE, _PURGE_USE),
    GuildTable("settings", "guild_id", _OF_SETTINGS, _PURGE_SETTINGS),
    GuildTable("audit_log", "guild_id", _OF_CHANGES, _PURGE_CHANGES),
    GuildTable("quota_limits", "guild_id", _OF_QUOTA_RULES, _PURGE_QUOTA_RULES),
    GuildTable("pronunciations", "guild_id", _OF_PRONUNCIATIONS, _PURGE_PRONUNCIATIONS),
    GuildTable("personas", "guild_id", _OF_PRESETS, _PURGE_PRESETS),
)
"""Everything that is kept of a server. A table with a column for servers has to be here; a test sees to it."""


class LeftGuilds:
    """The servers that were left, until they are purged or come back. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, guild_ids: list[int], at_ms: int) -> None:
        """Note that the bot is no longer in these servers; what was noted before stays."""
        if not guild_ids:
            return

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_NOTE, [(guild_id, at_ms) for guild_id in guild_ids])

        await self._database.write(work)

    async def clear(self, guild_ids: list[int]) -> None:
        """Note that the bot is in these servers."""
        if not guild_ids:
            return

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_CLEAR, [(guild_id,) for guild_id in guild_ids])

        await self._database.write(work)

    async def list_known_guilds(self) -> set[int]:
        """Name the servers of which anything is kept."""

        async def work(transaction: Transaction) -> set[int]:
            return {row[0] for each in GUILD_TABLES for row in await transaction.fetch_all(each.list_guilds)}

        return await self._database.read(work)

    async def list_due(self, noted_before_ms: int) -> list[int]:
        """Name the servers whose departure was noted by then, at most 1000."""

        async def work(transaction: Transaction) -> list[int]:
            return [row[0] for row in await transaction.fetch_all(_DUE, (noted_before_ms,))]

        return await self._database.read(work)

    async def purge(self, guild_id: int, *, noted_before_ms: int) -> int:
        """Take away all that is kept of a server, in small batches; returns how many rows went.

        Ends early where the server comes back meanwhile.
        """
        total = 0
        for each in GUILD_TABLES:
            while removed := await self._purged(each.purge, guild_id, noted_before_ms):
                total += removed
        await self._purged(_CLEAR, guild_id, noted_before_ms)
        return total

    async def _purged(self, sql: str, guild_id: int, noted_before_ms: int) -> int:
        async def work(transaction: Transaction) -> int:
            if not await transaction.fetch_one(_STILL_DUE, (guild_id, noted_before_ms)):
                return 0
            return await transaction.execute(sql, (guild_id,))

        return await self._database.write(work)
