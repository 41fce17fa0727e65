"""Who may read the database's files, whose disk they lie on, and how full it is."""

import asyncio
import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StartupError, StoreFull, StoreReadOnly, StoreUnavailable
from bot.messages import database as texts
from bot.messages.render import render
from bot.store import disk
from bot.store.database import Database, Transaction
from bot.store.open import _check_free_space, _use_write_ahead_log, inspect, open_database
from bot.store.settings import StoredSettings
from tests.support.small_disk import fill_disk, make_room, small_disk

posix = pytest.mark.skipif(os.name != "posix", reason="these are POSIX's rights")

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:50 / /srv/bot rw - nfs4 box:/export rw,vers=4.2
31 30 8:2 / /srv/bot/local rw - ext4 /dev/vdb rw
32 27 0:51 / /mnt/two\040words rw master:3 - fuse.sshfs me@box: rw
33 27 0:52 / /mnt/over rw - ext4 /dev/vdc rw
34 27 0:53 / /mnt/over rw - cifs //box/share rw
35 27 0:54 / /mnt/ntfs rw - fuseblk /dev/vdd rw
not a line of that kind
"""


def modes(path: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}


@pytest.fixture
def generous() -> Iterator[None]:
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


async def write(path: Path) -> dict[str, int]:
    """Write something, and give the files' modes while the database is open."""
    async with open_database(f"sqlite:///{path}") as database:
        await StoredSettings(database).set_guild(1, "persona", "a", by=1, at_ms=1)
        return modes(path)


@posix
async def test_every_file_of_a_new_database_is_its_owners_alone(path: Path, generous: None) -> None:
    path.parent.mkdir(mode=0o755)
    assert await write(path) == {"bot.db": 0o600, "bot.db-wal": 0o600, "bot.db-shm": 0o600}


@posix
@pytest.mark.parametrize(
    ("before", "after"),
    [(0o644, 0o600), (0o640, 0o600), (0o666, 0o660), (0o660, 0o660), (0o664, 0o660), (0o604, 0o600), (0o600, 0o600)],
)
def test_an_old_file_is_closed_to_others_unless_its_group_shares_it(
    path: Path, before: int, after: int, generous: None
) -> None:
    asyncio.run(write(path))
    path.chmod(before)
    assert (texts.readable_until_start() in inspect(f"sqlite:///{path}")) is (before != after)
    assert path.stat().st_mode & 0o777 == before
    assert set(asyncio.run(write(path)).values()) == {after}
    assert texts.readable_until_start() not in inspect(f"sqlite:///{path}")


@posix
async def test_files_that_a_killed_process_left_open_are_closed(path: Path, generous: None) -> None:
    await write(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN").connection.execute("SELECT count(*) FROM turns")
        for each in path.parent.iterdir():
            each.chmod(0o644)
        assert set((await write(path)).values()) == {0o600}


@posix
def test_files_behind_a_link_are_closed_too(path: Path, tmp_path: Path, generous: None) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.parent.mkdir()
    path.symlink_to(elsewhere / "real.db")
    asyncio.run(write(path))
    (elsewhere / "real.db").chmod(0o644)
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM turns").fetchall()
        for each in elsewhere.iterdir():
            each.chmod(0o644)
        asyncio.run(write(path))
        assert modes(elsewhere / "real.db") == {"real.db": 0o600, "real.db-wal": 0o600, "real.db-shm": 0o600}


@posix
def test_an_empty_file_that_was_put_there_is_closed_too(path: Path, generous: None) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    assert set(asyncio.run(write(path)).values()) == {0o600}


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/srv/bot/bot.db", "nfs4"),
        ("/srv/bot", "nfs4"),
        ("/srv/bots/bot.db", None),
        ("/srv/bot/local/bot.db", None),
        ("/mnt/two words/bot.db", "fuse.sshfs"),
        ("/mnt/over/bot.db", "cifs"),
        ("/mnt/ntfs/bot.db", None),
        ("/bot.db", None),
    ],
)
def test_another_machines_disk_is_known_by_its_file_system(place: str, kind: str | None) -> None:
    assert disk.find_network_file_system(Path(place), MOUNTS) == kind


def test_the_start_and_a_check_name_another_machines_disk(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"30 27 0:50 / {path.parent} rw - nfs4 box:/export rw\n")
    monkeypatch.setattr(disk, "_MOUNTS", mounts)
    asyncio.run(write(path))
    assert texts.on_network_disk("nfs4") in inspect(f"sqlite:///{path}")
    (told,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "another machine's disk" in told.message
    assert vars(told)["file_system"] == "nfs4"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells of its mounts there")
def test_this_machines_mounts_can_be_read(tmp_path: Path) -> None:
    disk.find_network_file_system(tmp_path)
    assert disk.find_network_file_system(tmp_path, "") is None


def test_a_disk_that_cannot_do_the_write_ahead_log_is_refused(tmp_path: Path) -> None:
    """As on a network disk: this way of locking has no memory that processes share."""
    file = tmp_path / "bot.db"
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?vfs=unix-dotfile", uri=True)) as connection,
        pytest.raises(StartupError, match="local disk") as fault,
    ):
        _use_write_ahead_log(connection, file)
    assert fault.value.exit_status == 1
    assert str(file) in render(fault.value.message)


async def fill(database: Database) -> None:
    """Let the database grow no more, which SQLite tells as it does of a full disk; then write more than there is."""

    async def work(transaction: Transaction) -> None:
        pages = await transaction.fetch_one("PRAGMA page_count")
        assert pages is not None
        await transaction.execute(f"PRAGMA max_page_count = {pages[0]}")
        await transaction.execute("INSERT INTO personas VALUES (1, 'a', 'a', ?)", ("x" * 100_000,))

    await database.write(work)


async def test_a_full_disk_is_told_as_that_once_and_so_is_room(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with pytest.raises(StoreFull) as fault:
            await fill(database)
    assert "disk is full" in render(fault.value.message)
    await StoredSettings(database).get_values(1, 1)  # reading says nothing of room
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == ["database disk full"]
    caplog.clear()
    await database.write(lambda transaction: transaction.execute("PRAGMA max_page_count = 100000"))
    await StoredSettings(database).set_guild(1, "persona", "a", by=1, at_ms=1)
    await StoredSettings(database).set_guild(1, "persona", "b", by=1, at_ms=1)
    assert [record.message for record in caplog.records] == ["database disk no longer full"]


async def test_a_read_only_database_is_told_as_that(database: Database) -> None:
    with pytest.raises(StoreReadOnly) as fault:
        await database.read(lambda transaction: transaction.execute("DELETE FROM turns"))
    assert render(fault.value.message) not in {render(StoreUnavailable.message), render(StoreFull.message)}


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of the process's files, as Linux has it")
def test_a_check_finds_out_that_nothing_can_be_written(path: Path) -> None:
    asyncio.run(write(path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StartupError, match="can't be written"):
            inspect(f"sqlite:///{path}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_check_names_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    _check_free_space(tmp_path, tmp_path / "bot.db", least=1)
    with pytest.raises(StartupError, match="nearly full"):
        _check_free_space(tmp_path, tmp_path / "bot.db", least=2**62)


@pytest.mark.parametrize("new", [True, False])
def test_a_start_and_a_check_on_a_full_disk_say_that_it_is_full(tmp_path: Path, new: bool) -> None:
    with small_disk(tmp_path) as place:
        start_and_check(place, new)


def start_and_check(place: Path, new: bool) -> None:
    path = place / "bot.db"
    if not new:
        asyncio.run(write(path))
    fill_disk(place)
    with pytest.raises(StartupError, match="is full; make room"):
        inspect(f"sqlite:///{path}")
    with pytest.raises(StartupError, match="is full; make room"):
        asyncio.run(write(path))
    make_room(place)
    asyncio.run(write(path))
    with pytest.raises(StartupError, match="nearly full"):
        inspect(f"sqlite:///{path}")
