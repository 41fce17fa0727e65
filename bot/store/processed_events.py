"""The idempotency keys of events: the process that claims an interaction or a message first answers it."""

from typing import Final

from bot.store.database import Database, Transaction, Work

MAX_DELETED_AT_ONCE: Final = 1000

_CLAIM = "INSERT INTO processed_events (id, claimed_at_ms) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"

_DELETE_OLD = """
    DELETE FROM processed_events WHERE id IN (
        SELECT id FROM processed_events WHERE claimed_at_ms <= ? ORDER BY claimed_at_ms LIMIT ?
    )
"""


class ProcessedEvents:
    """The claimed events. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, event_id: int, at_ms: int, also: Work[None] | None = None) -> bool:
        """Claim an event; return False if it has been claimed before, by this process or another.

        `also` is done in the same transaction, and only where the claim is granted.
        """

        async def work(transaction: Transaction) -> bool:
            if not await transaction.execute(_CLAIM, (event_id, at_ms)):
                return False
            if also is not None:
                await also(transaction)
            return True

        return await self._database.write(work)

    async def delete_older_than(self, before_ms: int) -> int:
        """Delete claims made before a time, a batch a call; return how many."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_DELETE_OLD, (before_ms, MAX_DELETED_AT_ONCE))

        return await self._database.write(work)
