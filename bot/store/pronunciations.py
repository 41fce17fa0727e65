"""The pronunciations of guilds: a word, and what is spoken in its place."""

from dataclasses import dataclass

from bot.store.audit_log import AuditEntry, record
from bot.store.database import Database, Transaction
from bot.store.sqlite import sanitize_for_db

_OF_GUILD = "SELECT word_key, word, spoken_as FROM pronunciations WHERE guild_id = ? ORDER BY guild_id, word_key"

_ONE = "SELECT word_key, word, spoken_as FROM pronunciations WHERE guild_id = ? AND word_key = ?"

_COUNT = "SELECT count(*) FROM pronunciations WHERE guild_id = ?"

_SET = """
    INSERT INTO pronunciations (guild_id, word_key, word, spoken_as) VALUES (?, ?, ?, ?)
    ON CONFLICT (guild_id, word_key) DO UPDATE SET word = excluded.word, spoken_as = excluded.spoken_as
"""

_REMOVE = "DELETE FROM pronunciations WHERE guild_id = ? AND word_key = ?"


@dataclass(frozen=True, slots=True)
class StoredPronunciation:
    """One word: the key that it is looked up by, the word as it was written, and what is spoken."""

    word_key: str
    word: str
    spoken_as: str


class PronunciationsFull(Exception):
    """A guild has as many words as it may."""


class StoredPronunciations:
    """The words of all guilds. Every method may raise StoreUnavailable, and has changed nothing then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_for_guild(self, guild_id: int) -> list[StoredPronunciation]:
        """Return all words of a guild, in their order."""
        rows = await self._database.read(lambda transaction: transaction.fetch_all(_OF_GUILD, (guild_id,)))
        return [StoredPronunciation(*row) for row in rows]

    async def save(
        self, guild_id: int, wanted: StoredPronunciation, *, max_count: int, by: int, at_ms: int
    ) -> StoredPronunciation | None:
        """Store a word in place of the same one, record the change, and return the old one.

        `by` is the member who did, `at_ms` when.

        Raises:
            PronunciationsFull: it would be one more than `max_count`.
        """
        wanted = StoredPronunciation(
            sanitize_for_db(wanted.word_key), sanitize_for_db(wanted.word), sanitize_for_db(wanted.spoken_as)
        )

        async def work(transaction: Transaction) -> StoredPronunciation | None:
            old = await _read(transaction, guild_id, wanted.word_key)
            if old is None:
                counted = await transaction.fetch_one(_COUNT, (guild_id,))
                if counted is not None and counted[0] >= max_count:
                    raise PronunciationsFull
            await transaction.execute(_SET, (guild_id, wanted.word_key, wanted.word, wanted.spoken_as))
            await record(transaction, _change(guild_id, old, wanted, by, at_ms))
            return old

        return await self._database.write(work)

    async def remove(self, guild_id: int, word_key: str, *, by: int, at_ms: int) -> StoredPronunciation | None:
        """Delete a word and record the change; return it, or None if there was none."""

        async def work(transaction: Transaction) -> StoredPronunciation | None:
            old = await _read(transaction, guild_id, sanitize_for_db(word_key))
            if old is not None:
                await transaction.execute(_REMOVE, (guild_id, old.word_key))
                await record(transaction, _change(guild_id, old, None, by, at_ms))
            return old

        return await self._database.write(work)


async def _read(transaction: Transaction, guild_id: int, word_key: str) -> StoredPronunciation | None:
    found = await transaction.fetch_one(_ONE, (guild_id, word_key))
    return None if found is None else StoredPronunciation(*found)


def _change(
    guild_id: int, old: StoredPronunciation | None, new: StoredPronunciation | None, by: int, at_ms: int
) -> AuditEntry:
    word = next(each.word for each in (new, old) if each is not None)
    before, after = (None if each is None else each.spoken_as for each in (old, new))
    return AuditEntry(guild_id, None, f"pronunciation/{word}", before, after, by, at_ms)
