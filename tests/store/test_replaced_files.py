"""A database whose files are removed or replaced while it is open is not written any more."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import StoreReplaced
from bot.store import sqlite
from bot.store.conversations import Conversations
from bot.store.open import open_database
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from tests.support.turns import TURN

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files that are open cannot be removed there")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
async def test_nothing_is_taken_for_kept_once_a_file_was_removed(path: Path, suffix: str) -> None:
    async with open_database(f"sqlite:///{path}") as database:
        conversations, archive = Conversations(database), TurnReader(database)
        turn_id = await conversations.save(TURN)
        assert turn_id is not None
        path.with_name(path.name + suffix).unlink()
        with pytest.raises(StoreReplaced):
            await conversations.save(TURN)
        with pytest.raises(StoreReplaced):
            await archive.get(turn_id)


def remove(path: Path) -> None:
    path.unlink()


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


async def test_another_database_in_its_place_is_left_as_it_is(path: Path) -> None:
    backup = path.with_name("backup.db")
    async with open_database(f"sqlite:///{backup}") as database:
        kept = await Conversations(database).save(replace(TURN, answer="from the backup"))
    before = content(backup)
    async with open_database(f"sqlite:///{path}") as database:
        conversations = Conversations(database)
        await conversations.save(TURN)
        backup.replace(path)
        with pytest.raises(StoreReplaced):
            await conversations.save(TURN)
    assert content(path) == before
    async with open_database(f"sqlite:///{path}") as database:
        turn = await TurnReader(database).get(kept or 0)
    assert turn is not None
    assert turn.answer == "from the backup"


async def test_emptying_the_log_makes_no_new_database(path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as database:
        assert isinstance(database, sqlite.SqliteDatabase)
        await Conversations(database).save(TURN)
        remove(path)
        assert not sqlite._empty_log(database._files)
    assert content(path) is None


async def test_another_process_that_comes_and_goes_replaces_nothing(path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as database:
        async with open_database(f"sqlite:///{path}") as other:
            await TurnDeletion(other, Tombstones()).delete_channel(TURN.channel_id)
        with closing(sqlite3.connect(path)) as tool:
            tool.execute("VACUUM")
        assert await Conversations(database).save(TURN) is not None
