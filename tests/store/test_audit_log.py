"""The change log has an end, however often moderators change what."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.audit_log import MAX_ENTRIES, MAX_LONG_TEXTS, AuditEntry, AuditLog, record
from bot.store.database import Database, Transaction
from bot.store.open import open_database
from bot.store.personas import StoredPersona, StoredPersonas
from bot.store.schema import migrations, upgrade
from bot.store.settings import StoredSettings
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion

GUILD, CHANNEL = 9, 3
CHANGE_LOG = 14
"""The number of the migration that bounds the log."""


async def changed(database: Database, *changes: AuditEntry) -> None:
    async def work(transaction: Transaction) -> None:
        for change in changes:
            await record(transaction, change)

    await database.write(work)


def change(number: int, *, guild_id: int = GUILD, text: str = "") -> AuditEntry:
    return AuditEntry(guild_id, CHANNEL, "persona", f"{number - 1}{text}", f"{number}{text}", by=1, at_ms=number)


def size(path: Path) -> int:
    return path.stat().st_size


async def test_a_server_keeps_its_last_thousand_changes(database: Database) -> None:
    await changed(database, change(0, guild_id=8), *(change(number) for number in range(MAX_ENTRIES + 20)))
    log = AuditLog(database)
    kept = await log.list_newest(GUILD, 5000)
    assert [each.at_ms for each in kept] == list(range(MAX_ENTRIES + 19, 19, -1))
    assert len(await log.list_newest(8, 10)) == 1


async def test_of_long_texts_the_last_ones_are_kept_and_of_older_ones_the_length(database: Database) -> None:
    long = "x" * 200
    await changed(database, *(change(number, text=long) for number in range(10, 10 + MAX_LONG_TEXTS + 5)))
    await changed(database, *(change(number) for number in range(90, 95)))
    kept = (await AuditLog(database).list_newest(GUILD, 99))[5:]
    assert [each.new for each in kept[:MAX_LONG_TEXTS]] == [f"{number}{long}" for number in range(24, 14, -1)]
    assert [(each.old, each.new, each.old_length, each.new_length) for each in kept[MAX_LONG_TEXTS:]] == (
        [(None, None, 202, 202)] * 4 + [(None, None, 201, 202)]
    )


async def test_short_values_and_nothing_stay_what_they_are(database: Database) -> None:
    long = "x" * 101
    await changed(database, AuditEntry(GUILD, None, "persona", None, long, by=1, at_ms=0))
    await changed(database, AuditEntry(GUILD, None, "chat_model", "gpt-4.1", None, by=1, at_ms=1))
    await changed(database, *(change(number, text=long) for number in range(MAX_LONG_TEXTS)))
    first, second = (await AuditLog(database).list_newest(GUILD, 99))[-1:-3:-1]
    assert (first.old, first.new, first.old_length, first.new_length) == (None, None, None, 101)
    assert (second.old, second.new, second.old_length, second.new_length) == ("gpt-4.1", None, None, None)


async def test_importing_personas_again_and_again_does_not_fill_the_disk(path: Path) -> None:
    """The attack: two files of 50 personas of 4,000 characters of four bytes each, in turn."""
    files = [[StoredPersona(f"p{n}", f"P{n}", letter * 4000) for n in range(50)] for letter in "\U0001f980\U0001f9aa"]
    async with open_database(f"sqlite:///{path}") as database:
        presets = StoredPersonas(database)
        sizes = []
        for number in range(40):
            await presets.save_all(GUILD, files[number % 2], max_count=50, by=1, at_ms=number)
            sizes.append(size(path))
    # Without a bound it would be 24 MiB. Meanwhile the file may be rewritten, and grows to its size again after that.
    assert max(sizes) < 6 * 2**20


async def test_changes_go_after_their_time(database: Database) -> None:
    await changed(database, *(change(number) for number in range(10)))
    await TurnDeletion(database, Tombstones()).delete_audit_log_before(7)
    assert [each.at_ms for each in await AuditLog(database).list_newest(GUILD, 99)] == [9, 8, 7]


async def test_a_deleted_channel_takes_its_settings_with_it(database: Database) -> None:
    settings = StoredSettings(database)
    for channel in (CHANNEL, CHANNEL + 1):
        await settings.set_channel(channel, GUILD, "persona", "a", by=1, at_ms=5)
    await settings.set_guild(CHANNEL, "persona", "of a server with that number", by=1, at_ms=5)
    await TurnDeletion(database, Tombstones()).delete_channel(CHANNEL)
    assert (await settings.get_values(GUILD, CHANNEL))[1] == {}
    assert (await settings.get_values(GUILD, CHANNEL + 1))[1] == {"persona": "a"}
    assert (await settings.get_values(CHANNEL, 0))[0] == {"persona": "of a server with that number"}


@pytest.mark.parametrize("texts", [True, False])
def test_the_upgrade_shortens_a_log_that_has_grown(tmp_path: Path, texts: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as connection:
        upgrade(connection, migrations()[: CHANGE_LOG - 1])
        long = "x" * 150 if texts else ""
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO changes (guild_id, setting, old, new, changed_at_ms) VALUES (?, 'persona', NULL, ?, ?)",
            [(guild, f"{number:04}{long}", number) for number in range(1500) for guild in (8, 9)],
        )
        connection.execute("COMMIT")
        upgrade(connection, migrations())
        for guild in (8, 9):
            rows = connection.execute(
                "SELECT changed_at_ms, old, new, old_length, new_length FROM audit_log WHERE guild_id = ?"
                " ORDER BY id DESC",
                (guild,),
            ).fetchall()
            assert [row[0] for row in rows] == list(range(1499, 499, -1))
            assert {row[1:] for row in rows[-990:]} == (
                {(None, None, None, 154)} if texts else {(None, f"{n:04}", None, None) for n in range(500, 1490)}
            )
            assert [row[2] for row in rows[:10]] == [f"{number:04}{long}" for number in range(1499, 1489, -1)]
