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
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Final

from bot.errors import StartupError
from bot.messages.message import plain
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
_LEFT_ALONE = "I left it as it is; restore a backup or point DATABASE_URL somewhere else."

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
    """Read the file's path out of `url`: `sqlite:///relative/path` or `sqlite:////absolute/path`.

    Raises:
        StartupError: another form, with exit status 2.
    """
    name = url.removeprefix(_URL_START)
    if not url.startswith(_URL_START) or not name.strip("/") or name.startswith(":") or "?" in name or "\0" in name:
        raise StartupError(
            plain("DATABASE_URL should look like sqlite:///data/bot.db or sqlite:////var/lib/bot.db."), exit_status=2
        )
    return Path(name)


def check_engine() -> None:
    """Raise StartupError where this Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        raise StartupError(plain(f"This Python comes with SQLite {sqlite3.sqlite_version}; 3.37 or newer is needed."))


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
                logger.info("database migrated from=%d to=%d", before, after)
    except NewerThanCode as error:
        raise _newer(path, error.version) from error
    except sqlite3.Error as error:
        raise build_startup_error(path, error) from error


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's words will lie in it
    except OSError as error:
        told = StartupError(plain(f"The folder {path.parent} for DATABASE_URL can't be created: {error.strerror}."))
        raise find_permission_error(path) or told from error


def has_content(path: Path) -> bool:
    """Return whether there is a database to look at: false where there is no file yet, or an empty one."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would wait for ever
            raise StartupError(
                plain(f"DATABASE_URL points to {path}, which is a pipe or a device; it should be a file.")
            )
        with path.open("rb") as file:
            start = file.read(len(_FILE_START))
    except FileNotFoundError:
        return False
    except IsADirectoryError as error:
        raise StartupError(plain(f"DATABASE_URL points to {path}, which is a folder; it should be a file.")) from error
    except OSError as error:
        raise find_permission_error(path) or StartupError(
            plain(f"The database {path} can't be read: {error.strerror}.")
        ) from error
    if start and start != _FILE_START:
        raise StartupError(plain(f"The file {path} is not a SQLite database. {_LEFT_ALONE}"))
    return bool(start)


def check_file(path: Path) -> None:
    """Refuse a file that is damaged, another program's or newer, without writing to it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID and (application or tables or version_of(connection)):
            raise StartupError(plain(f"The database {path} belongs to another program. {_LEFT_ALONE}"))
        if (version := version_of(connection)) > len(migrations()):
            raise _newer(path, version)
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StartupError(plain(f"The database {path} is damaged. {_LEFT_ALONE}"))


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
        raise StartupError(
            plain(
                f"The disk of the database {path} can't do SQLite's write-ahead log (it stays at {mode}), as network "
                "disks can't; put the database on a local disk."
            )
        )


def _newer(path: Path, version: int) -> StartupError:
    return StartupError(
        plain(
            f"The database {path} was written by a newer version of the bot (its schema is {version}, this one knows "
            f"{len(migrations())}). I left it as it is; update the bot or point DATABASE_URL somewhere else."
        )
    )


def build_startup_error(path: Path, error: sqlite3.Error) -> StartupError:
    """Build the error that says why SQLite cannot use the file at `path`."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StartupError(plain(f"The database {path} is damaged. {_LEFT_ALONE}"))
    if disk.is_full(error, path):
        return StartupError(plain(f"The disk of the database {path} is full; make room on it."))
    if disk.is_busy(error):
        return StartupError(plain(f"The database {path} can't be used: {error}. Is another program holding it?"))
    if (fault := find_permission_error(path)) is not None:
        return fault
    if disk.is_read_only(error):
        return StartupError(
            plain(
                f"The database {path} can't be used: {error}. Give it and its folder to the user that the bot runs as."
            )
        )
    return StartupError(plain(f"The database {path} can't be used: {error}."))


def inspect(url: str) -> str:
    """Describe in a few words how the database at `url` is. Blocking.

    Raises:
        StartupError: it cannot be used, with one sentence that says why.
    """
    path = database_path(url)
    check_engine()
    folder = path.parent
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 - Path's raises where it may not look
        folder = folder.parent
    _try_to_write(folder, path)
    _check_room(folder, path)
    return _inspect_file(path) + _access_notes(path)


def _inspect_file(path: Path) -> str:
    """Return how the file is."""
    if not has_content(path):
        return f"{path} will be made at the first start"
    try:
        check_file(path)
        version = _lock_once(path)
    except sqlite3.Error as error:
        raise build_startup_error(path, error) from error
    newest = len(migrations())
    if version < newest:
        return f"{path} is sound, and will be brought from schema {version} to {newest} at the next start"
    return f"{path} is sound and can be written"


def _try_to_write(folder: Path, path: Path) -> None:
    """Make a file in the folder and remove it: what permissions say is not all that can stand in the way."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(os.urandom(_TRIAL_BYTES))  # what compresses well would need less room than the database does
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in disk.DISK_FULL_ERRNOS:
            raise StartupError(plain(f"The disk of the database {path} is full; make room on it.")) from error
        told = StartupError(
            plain(
                f"The folder {folder} for the database {path} can't be written ({error.strerror}); give it to the user "
                "that the bot runs as, or point DATABASE_URL somewhere else."
            )
        )
        raise find_permission_error(path) or told from error


def _check_room(folder: Path, path: Path, least: int = disk.MIN_FREE_BYTES) -> None:
    free = disk.free(folder)
    if free is not None and free < least:
        raise StartupError(
            plain(
                f"The disk of the database {path} is nearly full: {free / 2**20:.1f} MiB are free, "
                f"{least // 2**20} should be; make room on it."
            )
        )


def _access_notes(path: Path) -> str:
    """Add what there is to say of who else gets at the database."""
    more = ""
    if (machine := disk.find_network_file_system(path)) is not None:
        more += f"; it lies on another machine's disk ({machine}), where its locks may not hold: better a local one"
    if readable := disk.list_readable_by_others(path):
        if any(os.geteuid() not in {0, file.stat().st_uid} for file in readable):
            raise StartupError(
                plain(f"Other users of this machine may read {readable[0]}; its owner should chmod it to 600.")
            )
        more += "; other users of this machine may read it until the next start"
    return more


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
