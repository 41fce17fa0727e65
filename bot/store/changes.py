"""Who changed what, when, from what to what: written in the same transaction as the change itself."""

from dataclasses import dataclass

from bot.store.database import Database, Transaction

_RECORD = """
    INSERT INTO changes (guild_id, channel_id, setting, old, new, changed_by, changed_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_NEWEST = """
    SELECT guild_id, channel_id, setting, old, new, changed_by, changed_at_ms
    FROM changes WHERE guild_id = ? ORDER BY id DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `channel_id` None: of the whole server. `old` or `new` None: nothing was set, or is any longer.

    `by` is None once that member had their data deleted.
    """

    guild_id: int | None
    channel_id: int | None
    setting: str
    old: str | None
    new: str | None
    by: int | None
    at_ms: int


async def record(transaction: Transaction, change: Change) -> None:
    """Note `change` as part of the transaction that carries it out; one that changes nothing is passed over."""
    if change.old != change.new:
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


class ChangeLog:
    """The changes so far."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, guild_id: int, limit: int) -> list[Change]:
        """Give a server's last `limit` changes, the newest first.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_NEWEST, (guild_id, limit)))
        return [Change(*row) for row in rows]
