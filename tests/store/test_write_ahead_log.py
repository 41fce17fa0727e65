"""The write-ahead log keeps nothing that was deleted, and does not stay large."""

import asyncio
import sqlite3
import struct
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.store import disk, sqlite
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.open import open_database
from bot.store.settings import StoredSettings
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from tests.support.turns import TURN

SECRET = "swordfish " * 20
TABLE_LEAF = 13


@pytest.fixture
async def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(sqlite, "EMPTY_LOG_AFTER_S", 0)
    monkeypatch.setattr(sqlite, "EMPTY_LOG_RETRY_S", 0.01)
    async with open_database(f"sqlite:///{path}") as opened:
        yield opened


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def size(file: Path) -> int:
    return file.stat().st_size


async def until_empty(path: Path) -> None:
    async with asyncio.timeout(10):
        while size(log_of(path)):  # noqa: ASYNC110 - another thread empties it, and tells nobody
            await asyncio.sleep(0.005)


def holds_secret(path: Path) -> bool:
    return any(SECRET.encode() in file.read_bytes() for file in (path, log_of(path)))


@pytest.mark.parametrize("by", ["member", "message", "channel", "clear", "age", "setting"])
async def test_what_is_deleted_is_in_neither_file_a_moment_later(path: Path, database: Database, by: str) -> None:
    removals, settings = TurnDeletion(database, Tombstones()), StoredSettings(database)
    conversations = Conversations(database)
    if by == "setting":
        await settings.set_channel(1, 2, "persona", SECRET, by=3, at_ms=4)
    else:
        await conversations.save(replace(TURN, answer=SECRET))
    assert holds_secret(path)
    match by:
        case "member":
            await removals.delete_member(TURN.author_id, at_ms=2**50)
        case "message":
            await removals.delete_by_messages(TURN.answer_message_ids)
        case "channel":
            await removals.delete_channel(TURN.channel_id)
        case "clear":
            await removals.delete_visible_to(TURN.author_id, TURN.channel_id)
        case "age":
            await removals.delete_older_than(2**50)
        case "setting":
            await settings.clear_channel(1, 2, ["persona"], by=3, at_ms=4)
            await removals.delete_audit_log_before(2**50)
    await until_empty(path)
    assert not holds_secret(path)


async def test_somebody_who_reads_is_waited_for_and_keeps_nobody_from_writing(path: Path, database: Database) -> None:
    conversations, removals = Conversations(database), TurnDeletion(database, Tombstones())
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        await conversations.save(TURN)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM turns").fetchall()
        await removals.delete_channel(TURN.channel_id)
        for _ in range(20):
            await conversations.save(TURN)
        assert size(log_of(path)) > 0
        reader.execute("COMMIT")
    await removals.delete_channel(TURN.channel_id)
    await until_empty(path)


async def test_a_log_that_grew_while_somebody_read_shrinks_again(path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as database:
        settings = StoredSettings(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM turns").fetchall()
            for number in range(60):
                await settings.set_guild(number, "persona", "x" * 100_000, by=1, at_ms=1)
            assert size(log_of(path)) > sqlite.LOG_LIMIT_BYTES
            reader.execute("COMMIT")
        async with asyncio.timeout(10):
            number = 1000
            while size(log_of(path)) > sqlite.LOG_LIMIT_BYTES:
                await settings.set_guild(number, "persona", "x" * 100_000, by=1, at_ms=1)
                number += 1


def leave_a_copy(path: Path) -> None:
    """Write the secret where no row is, as SQLite does when it moves rows from page to page."""
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 4096):
        kind, _, rows, begin = struct.unpack_from(">BHHH", content, page)
        gap = page + 8 + 2 * rows
        if kind == TABLE_LEAF and gap + len(SECRET) < page + begin:
            content[gap : gap + len(SECRET)] = SECRET.encode()
    path.write_bytes(content)


async def test_copies_that_sqlite_made_of_what_was_deleted_go_as_well(path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as database:
        kept = await Conversations(database).save(TURN)
    leave_a_copy(path)
    async with open_database(f"sqlite:///{path}") as database:
        assert isinstance(database, sqlite.SqliteDatabase)
        assert sqlite._empty_log(database._files)
        assert holds_secret(path)
        assert sqlite._empty_log(database._files, rewrite=True)
        assert not holds_secret(path)
        assert [turn.id for turn in await Conversations(database).get_public_history(TURN.channel_id, 10)] == [kept]


async def test_a_large_file_or_a_full_disk_is_not_rewritten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_database(f"sqlite:///{path}"):
        assert sqlite._can_be_rewritten(path)
        monkeypatch.setattr(sqlite, "MAX_REWRITTEN_BYTES", 4096)
        assert not sqlite._can_be_rewritten(path)
        monkeypatch.setattr(sqlite, "MAX_REWRITTEN_BYTES", 2**30)
        monkeypatch.setattr(disk, "free", lambda _: disk.MIN_FREE_BYTES)
        assert not sqlite._can_be_rewritten(path)


async def test_the_first_deletion_has_the_file_rewritten_and_the_next_ones_do_not(
    path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def empty_log(*_: object, rewrite: bool) -> bool:
        asked.append(rewrite)
        return len(asked) > 1  # somebody stood in the way of the first

    monkeypatch.setattr(sqlite, "_empty_log", empty_log)
    removals, conversations = TurnDeletion(database, Tombstones()), Conversations(database)
    async with asyncio.timeout(10):
        for wanted in (2, 3):
            await conversations.save(TURN)
            await removals.delete_channel(TURN.channel_id)
            while len(asked) < wanted:  # noqa: ASYNC110 - another task asks, and tells nobody
                await asyncio.sleep(0.005)
    monkeypatch.undo()
    assert asked[:3] == [True, True, False]


async def test_closing_right_after_a_deletion_empties_the_log_beside_another_process(path: Path) -> None:
    async with open_database(f"sqlite:///{path}"):
        async with open_database(f"sqlite:///{path}") as database:
            await Conversations(database).save(replace(TURN, answer=SECRET))
            await TurnDeletion(database, Tombstones()).delete_channel(TURN.channel_id)
        assert not holds_secret(path)
