import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded before a test gives up the right to read where Python lies
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StartupError
from bot.messages.render import render
from bot.store.open import database_path, inspect, open_database
from bot.store.schema import APPLICATION_ID, migrations
from bot.store.settings import StoredSettings

START = """
import asyncio, os, signal, sys
from bot.store.open import open_database
from bot.store.settings import StoredSettings

async def main():
    async with open_database(sys.argv[1]) as database:
        await StoredSettings(database).set_guild(1, "model", "gpt-4.1", by=2, at_ms=3)
        if sys.argv[2] == "die":
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def opened(path: Path) -> None:
    async with open_database(url(path)):
        pass


def refused(path: Path) -> StartupError:
    """Open what cannot be opened and give the fault, which must be one short line."""
    with pytest.raises(StartupError) as caught:
        asyncio.run(opened(path))
    assert "\n" not in render(caught.value.message)
    assert str(path) in render(caught.value.message)
    assert caught.value.exit_status == 1
    return caught.value


async def test_the_folder_is_made_for_the_bot_alone_and_the_words_in_it_stay(path: Path) -> None:
    for model in ("first", "second"):
        async with open_database(url(path)) as database:
            settings = StoredSettings(database)
            before, _ = await settings.get_values(1, 0)
            await settings.set_guild(1, "model", model, by=2, at_ms=3)
    assert before == {"model": "first"}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_relative_address_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_database("sqlite:///data/bot.db"):
        assert (tmp_path / "data" / "bot.db").is_file()


async def test_nothing_is_left_running_after_it_is_closed(path: Path) -> None:
    before = set(threading.enumerate())
    async with open_database(url(path)):
        ours = [thread for thread in set(threading.enumerate()) - before if "asyncio" not in thread.name]
    for thread in ours:
        thread.join(timeout=10)
    assert len(ours) == 2
    assert not any(thread.is_alive() for thread in ours)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "data/bot.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:////",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "mysql://a/b",
    ],
)
def test_another_form_of_address_is_bad_configuration(address: str) -> None:
    with pytest.raises(StartupError, match="DATABASE_URL should look like") as caught:
        database_path(address)
    assert caught.value.exit_status == 2


def text_file(path: Path) -> None:
    path.write_text("dear diary, this is no database at all")


def another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('a')")


def written_by_a_newer_bot(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {len(migrations()) + 1};"
            "CREATE TABLE turns (soul TEXT)"
        )


def damaged(path: Path) -> None:
    another_programs(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    another_programs(path)
    path.write_bytes(path.read_bytes()[:50])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (text_file, "is not a SQLite database"),
        (another_programs, "belongs to another program"),
        (written_by_a_newer_bot, "written by a newer version"),
        (damaged, "is damaged"),
        (cut_short, "is damaged"),
    ],
)
def test_a_file_that_is_not_fit_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path.parent.mkdir()
    make(path)
    before = path.read_bytes()
    fault = refused(path)
    assert reason in render(fault.message)
    assert path.read_bytes() == before


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    assert "which is a folder" in render(refused(path).message)


def test_a_pipe_in_its_place_is_refused_without_waiting_for_who_writes_to_it(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    assert "which is a pipe or a device" in render(refused(path).message)


def test_a_file_where_the_folder_should_be_is_refused(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(StartupError, match="can't be created"):
        asyncio.run(opened(path))
    assert path.parent.read_text() == "in the way"


def test_a_database_locked_by_another_program_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.open.BUSY_TIMEOUT_MS", 10)
    asyncio.run(opened(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "database is locked" in render(refused(path).message)


@pytest.fixture
def ordinary_folder() -> Iterator[Path]:
    """Give a folder that is ours, as a user whom file permissions bind (root may write anywhere)."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def not_ours(what: str, path: Path) -> str:
    return f"user {os.geteuid()} may not {what} {path} (owner {path.stat().st_uid}); "


def both(path: Path) -> str:
    """What the start and the check say, which is the same."""
    sentence = render(refused(path).message)
    with pytest.raises(StartupError) as fault:
        inspect(url(path))
    assert render(fault.value.message) == sentence
    return sentence


def test_a_file_that_may_not_be_read_is_refused(ordinary_folder: Path) -> None:
    path = ordinary_folder / "bot.db"
    another_programs(path)
    path.chmod(0)
    assert not_ours("read and write", path) + f"allow it, for example with `chmod u+rwX {path}`" in both(path)


@pytest.mark.parametrize("mode", ["file", "folder"])
def test_a_database_that_may_not_be_written_is_refused(ordinary_folder: Path, mode: str) -> None:
    path = ordinary_folder / "bot.db"
    asyncio.run(opened(path))
    before = path.read_bytes()
    (path if mode == "file" else ordinary_folder).chmod(0o400 if mode == "file" else 0o500)
    wanted = not_ours("read and write", path) if mode == "file" else not_ours("write in", ordinary_folder)
    assert wanted in both(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("below", ["bot.db", "data/bot.db", "data/deep/bot.db"])
def test_a_new_database_in_a_read_only_folder_is_refused(ordinary_folder: Path, below: str) -> None:
    ordinary_folder.chmod(0o500)
    assert not_ours("write in", ordinary_folder) in both(ordinary_folder / below)


@pytest.mark.parametrize("below", ["bot.db", "data/bot.db", "data/deep/bot.db"])
def test_a_folder_that_may_not_be_looked_into_is_refused(ordinary_folder: Path, below: str) -> None:
    ordinary_folder.chmod(0)
    assert not_ours("look into", ordinary_folder) in both(ordinary_folder / below)


@pytest.mark.parametrize("what", ["folder", "bot.db", "bot.db-wal"])
def test_what_belongs_to_another_user_is_named_with_both(ordinary_folder: Path, what: str) -> None:
    if os.geteuid() == os.getuid():
        pytest.skip("it takes root to give a file away")
    path, user = ordinary_folder / "bot.db", os.geteuid()
    other = ordinary_folder if what == "folder" else ordinary_folder / what
    asyncio.run(opened(path))
    os.seteuid(0)
    other.touch()
    os.chown(other, 0, 0)
    other.chmod(0o755 if what == "folder" else 0o644)
    os.seteuid(user)
    told = both(path)
    assert f"user {user} may not " in told
    change_owner = f"chown {'-R ' if what == 'folder' else ''}{user} {other}"
    assert f"{other} (owner 0); give it to that user, for example with `{change_owner}`" in told


async def start(path: Path, end: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", START, url(path), end)
    return await process.wait()


async def test_what_was_written_before_a_kill_is_there_at_the_next_start(path: Path) -> None:
    assert await start(path, "die") == -signal.SIGKILL
    async with open_database(url(path)) as database:
        assert (await StoredSettings(database).get_values(1, 0))[0] == {"model": "gpt-4.1"}


async def test_processes_that_start_at_once_share_the_migrations(path: Path) -> None:
    assert await asyncio.gather(*(start(path, "live") for _ in range(4))) == [0, 0, 0, 0]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
