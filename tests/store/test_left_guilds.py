"""Servers that were left, and that nothing of them stays."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database, Transaction
from bot.store.left_guilds import GUILD_TABLES, LeftGuilds
from bot.store.schema import migrations, upgrade
from bot.store.settings import StoredSettings
from tests.support.turns import CHANNEL, TURN

LEFT, OTHER = 7, 8


@pytest.fixture
def departures(database: Database) -> LeftGuilds:
    return LeftGuilds(database)


@pytest.fixture
async def servers(database: Database) -> None:
    """Two servers with turns and settings, and a direct message."""
    conversations, settings = Conversations(database), StoredSettings(database)
    for guild_id in (LEFT, OTHER):
        for _ in range(250):
            await conversations.save(dataclasses.replace(TURN, guild_id=guild_id, channel_id=10 * guild_id))
        await settings.set_guild(guild_id, "model", "a", by=1, at_ms=1)
    await conversations.save(dataclasses.replace(TURN, guild_id=None))


async def test_every_server_of_which_something_is_kept_is_known(departures: LeftGuilds, servers: None) -> None:
    assert await departures.list_known_guilds() == {LEFT, OTHER}


async def test_a_server_is_due_from_when_it_was_first_missed_until_it_comes_back(departures: LeftGuilds) -> None:
    await departures.record([LEFT, OTHER], 10)
    await departures.record([LEFT], 20)
    assert await departures.list_due(9) == []
    assert await departures.list_due(10) == [LEFT, OTHER]
    await departures.clear([OTHER])
    assert await departures.list_due(10) == [LEFT]


async def test_a_purge_takes_everything_of_that_server_and_nothing_else(
    departures: LeftGuilds, database: Database, servers: None
) -> None:
    await departures.record([LEFT], 10)
    assert await departures.purge(LEFT, noticed_before_ms=10) == 252
    assert await departures.list_known_guilds() == {OTHER}
    assert await departures.list_due(10) == []
    assert len(await Conversations(database).get_public_history(10 * OTHER, 300)) == 250
    assert len(await Conversations(database).get_public_history(CHANNEL, 300)) == 1


async def test_a_server_that_is_back_is_not_purged(departures: LeftGuilds, servers: None) -> None:
    await departures.record([LEFT], 10)
    await departures.clear([LEFT])
    assert await departures.purge(LEFT, noticed_before_ms=10) == 0
    await departures.record([LEFT], 20)
    assert await departures.purge(LEFT, noticed_before_ms=10) == 0
    assert await departures.list_known_guilds() == {LEFT, OTHER}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as opened:
        upgrade(opened, migrations())
        yield opened


def test_every_table_with_a_column_for_servers_is_purged(connection: sqlite3.Connection) -> None:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    columns = {
        (table, row[1])
        for table in tables
        for row in connection.execute(f"PRAGMA table_info({table})").fetchall()
        if "guild" in row[1] or "server" in row[1]
    }
    named_otherwise = {("usage_counters", "subject")}
    assert columns - {("left_guilds", "guild_id")} | named_otherwise == {
        (each.table, each.column) for each in GUILD_TABLES
    }


async def test_a_servers_use_goes_too_unless_some_of_it_is_still_to_be_settled(
    departures: LeftGuilds, database: Database
) -> None:
    async def used(transaction: Transaction) -> None:
        for number, subject in ((1, LEFT), (2, LEFT), (3, OTHER)):
            window = "INSERT INTO usage_counters VALUES (?, 'server', ?, 'images', 'day', ?, 9, 1, 0)"
            await transaction.execute(window, (number, subject, number))
        await transaction.execute("INSERT INTO reservations VALUES (5, 'process', 0, NULL)")
        await transaction.execute(
            "INSERT INTO reservation_items (reservation_id, position, counter_id, amount) VALUES (5, 0, 2, 1)"
        )

    await database.write(used)
    await departures.record([LEFT], 10)
    assert await departures.list_known_guilds() == {LEFT, OTHER}
    assert await departures.purge(LEFT, noticed_before_ms=10) == 1
    left = await database.read(lambda transaction: transaction.fetch_all("SELECT id FROM usage_counters"))
    assert left == [(2,), (3,)]
