"""The named personas of guilds."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.audit_log import AuditEntry, record
from bot.store.database import Database, Transaction
from bot.store.sqlite import sanitize_for_db

_NAMES = "SELECT name FROM personas WHERE guild_id = ? ORDER BY guild_id, name_key"

_OF_GUILD = "SELECT name_key, name, persona FROM personas WHERE guild_id = ? ORDER BY guild_id, name_key"

_ONE = "SELECT name_key, name, persona FROM personas WHERE guild_id = ? AND name_key = ?"

_COUNT = "SELECT count(*) FROM personas WHERE guild_id = ?"

_SET = """
    INSERT INTO personas (guild_id, name_key, name, persona) VALUES (?, ?, ?, ?)
    ON CONFLICT (guild_id, name_key) DO UPDATE SET name = excluded.name, persona = excluded.persona
"""

_REMOVE = "DELETE FROM personas WHERE guild_id = ? AND name_key = ?"


@dataclass(frozen=True, slots=True)
class StoredPersona:
    """One persona: the key that its name is looked up by, the name as it was written, and the text."""

    name_key: str
    name: str
    persona: str


class PersonaExists(Exception):
    """A persona of that name exists."""


class PersonasFull(Exception):
    """A guild would have `count` personas, more than it may."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} presets")
        self.count = count


class StoredPersonas:
    """The personas of all guilds. Every method may raise StoreUnavailable, and has changed nothing then.

    `by` is the member who makes a change, `at_ms` when: both go into the audit log.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_names(self, guild_id: int) -> list[str]:
        """Return the names of a guild's personas, in their order."""
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_NAMES, (guild_id,)))
        return [name for (name,) in rows]

    async def list_for_guild(self, guild_id: int) -> list[StoredPersona]:
        """Return all of a guild's personas, in the order of their names."""
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_OF_GUILD, (guild_id,)))
        return [StoredPersona(*row) for row in rows]

    async def get(self, guild_id: int, name_key: str) -> StoredPersona | None:
        """Return the persona of that name, if there is one."""
        return await self._database.read(lambda transaction: _read(transaction, guild_id, name_key))

    async def add(self, guild_id: int, wanted: StoredPersona, *, max_count: int, by: int, at_ms: int) -> None:
        """Store a new persona.

        Raises:
            PersonaExists: there is one of that name.
            PersonasFull: it would be one more than `max_count`.
        """

        async def work(transaction: Transaction) -> None:
            if await _read(transaction, guild_id, wanted.name_key) is not None:
                raise PersonaExists
            await _put(transaction, guild_id, wanted, by, at_ms)
            await _check_count(transaction, guild_id, max_count)

        await self._database.write(work)

    async def update(self, guild_id: int, name_key: str, persona: str, *, by: int, at_ms: int) -> StoredPersona | None:
        """Replace the text of a persona; return the old persona, or None if there was none."""

        async def work(transaction: Transaction) -> StoredPersona | None:
            old = await _read(transaction, guild_id, name_key)
            if old is not None:
                await _put(transaction, guild_id, StoredPersona(old.name_key, old.name, persona), by, at_ms)
            return old

        return await self._database.write(work)

    async def remove(self, guild_id: int, name_key: str, *, by: int, at_ms: int) -> StoredPersona | None:
        """Delete a persona; return it, or None if there was none."""

        async def work(transaction: Transaction) -> StoredPersona | None:
            old = await _read(transaction, guild_id, name_key)
            if old is not None:
                await transaction.execute(_REMOVE, (guild_id, old.name_key))
                await record(transaction, _change(guild_id, old.name, old.persona, None, by, at_ms))
            return old

        return await self._database.write(work)

    async def save_all(
        self, guild_id: int, wanted: Sequence[StoredPersona], *, max_count: int, by: int, at_ms: int
    ) -> list[StoredPersona | None]:
        """Store all of these, each in place of the one of that name; return the old ones, None where there was none.

        Raises:
            PersonasFull: there would be more than `max_count`; nothing was changed.
        """

        async def work(transaction: Transaction) -> list[StoredPersona | None]:
            replaced = [await _put(transaction, guild_id, each, by, at_ms) for each in wanted]
            await _check_count(transaction, guild_id, max_count)
            return replaced

        return await self._database.write(work)


async def _read(transaction: Transaction, guild_id: int, name_key: str) -> StoredPersona | None:
    found = await transaction.fetch_one(_ONE, (guild_id, sanitize_for_db(name_key)))
    return None if found is None else StoredPersona(*found)


async def _put(
    transaction: Transaction, guild_id: int, wanted: StoredPersona, by: int, at_ms: int
) -> StoredPersona | None:
    """Store a persona in place of the one of that name, record the change, and return the old one."""
    new = StoredPersona(sanitize_for_db(wanted.name_key), sanitize_for_db(wanted.name), sanitize_for_db(wanted.persona))
    old = await _read(transaction, guild_id, new.name_key)
    await transaction.execute(_SET, (guild_id, new.name_key, new.name, new.persona))
    if old is not None and old.name != new.name:
        await record(transaction, _change(guild_id, old.name, old.persona, None, by, at_ms))
        await record(transaction, _change(guild_id, new.name, None, new.persona, by, at_ms))
    else:
        before = None if old is None else old.persona
        await record(transaction, _change(guild_id, new.name, before, new.persona, by, at_ms))
    return old


async def _check_count(transaction: Transaction, guild_id: int, max_count: int) -> None:
    """Raise PersonasFull where there are more than `max_count`, which rolls the transaction back."""
    counted = await transaction.fetch_one(_COUNT, (guild_id,))
    if counted is not None and counted[0] > max_count:
        raise PersonasFull(counted[0])


def _change(guild_id: int, name: str, old: str | None, new: str | None, by: int, at_ms: int) -> AuditEntry:
    return AuditEntry(guild_id, None, f"persona/{name}", old, new, by, at_ms)
