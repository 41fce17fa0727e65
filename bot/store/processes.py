"""The leases of all processes on the database, and how a dead process is taken over once."""

from bot.store.database import Database, Transaction

_ADD = "INSERT INTO processes (name, lease_until_ms, epoch) VALUES (?, ?, 1)"

_RENEW = "UPDATE processes SET lease_until_ms = ? WHERE name = ? AND epoch = 1"

# Every name comes after the empty one: the tables are read by their keys.
_LEASES = "SELECT name, lease_until_ms FROM processes WHERE name > ''"

_WITHOUT_LEASE = """
    SELECT process FROM inflight_answers WHERE process > ''
    UNION SELECT process FROM reservations WHERE process > '' AND freed_at_ms IS NULL
    EXCEPT SELECT name FROM processes WHERE name > ''
"""

_DECLARE_DEAD = "UPDATE processes SET epoch = epoch + 1, lease_until_ms = 0 WHERE name = ? AND lease_until_ms = ?"

_EXISTS = "SELECT 1 FROM processes WHERE name = ?"

_DELETE = "DELETE FROM processes WHERE name = ?"


class ProcessLeases:
    """The table of processes. Every method may raise StoreUnavailable.

    A process that is declared dead stays in the table until what it left is taken over, so that no crash in between
    leaves anything behind.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, process: str, until_ms: int) -> None:
        """Add a process, whose name was never used before."""
        await self._execute(_ADD, process, until_ms)

    async def renew(self, process: str, until_ms: int) -> bool:
        """Renew the lease of a process; return False if it was declared dead."""
        return await self._execute(_RENEW, until_ms, process) > 0

    async def list_all(self) -> dict[str, int]:
        """Return by process when its lease ends (in ms); 0 for one that is not in the table but left something."""

        async def work(transaction: Transaction) -> dict[str, int]:
            without = {row[0]: 0 for row in await transaction.fetch_all(_WITHOUT_LEASE)}
            return without | {row[0]: row[1] for row in await transaction.fetch_all(_LEASES)}

        return await self._database.read(work)

    async def declare_dead(self, process: str, lease_until_ms: int) -> bool:
        """Declare a process dead whose lease is as it was read; return False if it has been renewed since."""

        async def work(transaction: Transaction) -> bool:
            declared = await transaction.execute(_DECLARE_DEAD, (process, lease_until_ms))
            return declared > 0 or await transaction.fetch_one(_EXISTS, (process,)) is None

        return await self._database.write(work)

    async def delete(self, process: str) -> None:
        """Delete a process that has ended, or whose remains have been taken over."""
        await self._execute(_DELETE, process)

    async def _execute(self, statement: str, *values: str | int) -> int:
        return await self._database.write(lambda transaction: transaction.execute(statement, values))
