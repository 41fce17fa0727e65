"""From DATABASE_URL to an open, checked and migrated database, or to one sentence on why not.

A file that is not ours, newer, damaged or out of reach is refused and left exactly as it is: it is looked at through a
read-only connection before anything is written.
"""

import asyncio
import logging
import os
import sqlite3
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Final

from bot.errors import StartupError
from bot.messages import database as texts
from bot.messages.message import Message
from bot.store import disk
from bot.store.database import Database
from bot.store.disk import find_permission_error
from bot.store.schema import APPLICATION_ID, NewerThanCode, migrations, upgrade, version_of
from bot.store.sqlite import connect

SQLITE_NEEDED = (3, 37, 0)
"""The first SQLite with STRICT tables."""

BUSY_TIMEOUT_MS = 5_000
"""How long a start waits for another process, which may be bringing the tables up to date."""

_URL_START = "sqlite:///"
_FILE_START = b"SQLite format 3\x00"

_INSPECT_BUSY_TIMEOUT_S: Final = 2.0

_TRIAL_BYTES: Final = 256 * 1024
"""Written to see whether there is room: a full disk often still takes a few bytes."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database at `url`, creating its folder and bringing its tables up to date; closes it on the way out.

    Raises:
        StartupError: it cannot be used, with one sentence that says why; nothing was altered.
    """
    path = database_path(url)
    await asyncio.to_thread(_prepare, path)
    if (machine := disk.find_network_file_system(path)) is not None:
        facts = {"file_system": machine}
        logger.warning("the database lies on another machine's disk, where its locks may not hold", extra=facts)
    async with AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(connect(path))
        except sqlite3.Error as error:
            raise build_startup_error(path, error) from error
        yield database


def database_path(url: str) -> Path:
    """Return the file's path in `url`: `sqlite:///relative/path` or `sqlite:////absolute/path`.

    Raises:
        StartupError: another form, with exit status 2.
    """
    name = url.removeprefix(_URL_START)
    if not url.startswith(_URL_START) or not name.strip("/") or name.startswith(":") or "?" in name or "\0" in name:
        raise StartupError(texts.bad_url(), exit_status=2)
    return Path(name)


def check_engine() -> None:
    """Raise StartupError where this Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        raise StartupError(texts.old_sqlite(sqlite3.sqlite_version))


def _prepare(path: Path) -> None:
    """Check what lies at `path` and migrate it. Blocking: runs in a thread."""
    check_engine()
    _make_folder(path)
    try:
        if has_content(path):
            check_file(path)
        else:
            disk.create(path)
        for file in disk.restrict_to_owner(path):
            logger.warning("others may read a file of the database", extra={"file": file.name})
        with closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            connection.execute("PRAGMA secure_delete = ON")  # for what a migration takes away
            _use_write_ahead_log(connection, path)
            before = version_of(connection)
            upgrade(connection, migrations())
            if (after := version_of(connection)) != before:
                logger.info("database migrated", extra={"from_version": before, "to_version": after})
    except NewerThanCode as error:
        raise _newer(path, error.version) from error
    except sqlite3.Error as error:
        raise build_startup_error(path, error) from error


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's words will be in it
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise find_permission_error(path) or StartupError(texts.folder_not_created(str(path.parent), reason)) from error


def has_content(path: Path) -> bool:
    """Return whether there is a database to look at: false where there is no file yet, or an empty one."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would block
            raise StartupError(texts.not_a_file(str(path), "pipe or device"))
        with path.open("rb") as file:
            start = file.read(len(_FILE_START))
    except FileNotFoundError:
        return False
    except IsADirectoryError as error:
        raise StartupError(texts.not_a_file(str(path), "folder")) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise find_permission_error(path) or StartupError(texts.unreadable(str(path), reason)) from error
    if start and start != _FILE_START:
        raise StartupError(texts.not_sqlite(str(path)))
    return bool(start)


def check_file(path: Path) -> None:
    """Refuse a file that is damaged, another program's or newer, without writing to it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID and (application or tables or version_of(connection)):
            raise StartupError(texts.of_another_program(str(path)))
        if (version := version_of(connection)) > len(migrations()):
            raise _newer(path, version)
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StartupError(texts.damaged(str(path)))


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Switch the file to the write-ahead log, which stays with it.

    Where two processes do this at once SQLite reports "locked" without waiting, so the wait is ours.

    Raises:
        StartupError: SQLite does not switch, since the disk can't do what the log needs.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            break
    if mode != "wal":
        raise StartupError(texts.no_write_ahead_log(str(path), mode))


def _newer(path: Path, version: int) -> StartupError:
    return StartupError(texts.newer(str(path), version, len(migrations())))


def build_startup_error(path: Path, error: sqlite3.Error) -> StartupError:
    """Build the error that says why SQLite cannot use the file at `path`."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StartupError(texts.damaged(str(path)))
    if disk.is_full(error, path):
        return StartupError(texts.disk_full(str(path)))
    if disk.is_busy(error):
        return StartupError(texts.busy(str(path), str(error)))
    if (fault := find_permission_error(path)) is not None:
        return fault
    if disk.is_read_only(error):
        return StartupError(texts.read_only(str(path), str(error)))
    return StartupError(texts.unusable(str(path), str(error)))


def inspect(url: str) -> list[Message]:
    """Return what there is to say of the state of the database at `url`. Blocking.

    Raises:
        StartupError: it cannot be used, with one sentence that says why.
    """
    path = database_path(url)
    check_engine()
    folder = path.parent
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 - Path's raises where it may not look
        folder = folder.parent
    _try_to_write(folder, path)
    _check_free_space(folder, path)
    return [_inspect_file(path), *_inspect_access(path)]


def _inspect_file(path: Path) -> Message:
    """Return the state of the file."""
    if not has_content(path):
        return texts.created_at_start(str(path))
    try:
        check_file(path)
        version = _lock_once(path)
    except sqlite3.Error as error:
        raise build_startup_error(path, error) from error
    newest = len(migrations())
    if version < newest:
        return texts.migrated_at_start(str(path), version, newest)
    return texts.usable(str(path))


def _try_to_write(folder: Path, path: Path) -> None:
    """Make a file in the folder and remove it: permissions are not all that can prevent it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(os.urandom(_TRIAL_BYTES))  # what compresses well would need less room than the database does
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in disk.DISK_FULL_ERRNOS:
            raise StartupError(texts.disk_full(str(path))) from error
        reason = error.strerror or type(error).__name__
        raise find_permission_error(path) or StartupError(
            texts.folder_not_writable(str(folder), str(path), reason)
        ) from error


def _check_free_space(folder: Path, path: Path, least: int = disk.MIN_FREE_BYTES) -> None:
    free = disk.free(folder)
    if free is not None and free < least:
        raise StartupError(texts.disk_nearly_full(str(path), free / 2**20, least // 2**20))


def _inspect_access(path: Path) -> Iterator[Message]:
    """Yield what there is to say about access to the database from elsewhere."""
    if (machine := disk.find_network_file_system(path)) is not None:
        yield texts.on_network_disk(machine)
    if readable := disk.list_readable_by_others(path):
        if any(os.geteuid() not in {0, file.stat().st_uid} for file in readable):
            raise StartupError(texts.readable_by_others(str(readable[0])))
        yield texts.readable_until_start()


def _lock_once(path: Path) -> int:
    """Take the write lock and give it back; return the schema's version."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=_INSPECT_BUSY_TIMEOUT_S)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            connection.execute(f"PRAGMA user_version = {version}")  # no change, but fails on a read-only file
        finally:
            connection.rollback()
        return version
