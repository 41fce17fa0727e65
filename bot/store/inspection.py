"""A look at the database that alters nothing: could the bot use it?"""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from bot.errors import StartupError
from bot.messages.message import plain
from bot.store import disk
from bot.store.disk import denied
from bot.store.open import check_engine, check_file, database_path, has_content, unusable
from bot.store.schema import migrations, version_of

WAIT_S = 2.0

TRIED: Final = 256 * 1024
"""Bytes that are written to see whether there is room: a full disk often still takes a few."""


def inspect(url: str) -> str:
    """Tell in a few words how the database at `url` is. Blocking.

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
    return _look(path) + _whose(path)


def _look(path: Path) -> str:
    """Tell how the file is."""
    if not has_content(path):
        return f"{path} will be made at the first start"
    try:
        check_file(path)
        version = _lock_once(path)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    newest = len(migrations())
    if version < newest:
        return f"{path} is sound, and will be brought from schema {version} to {newest} at the next start"
    return f"{path} is sound and can be written"


def _try_to_write(folder: Path, path: Path) -> None:
    """Make a file in the folder and remove it: what permissions say is not all that can stand in the way."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(os.urandom(TRIED))  # what compresses well would need less room than the database does
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in disk.FULL:
            raise StartupError(plain(f"The disk of the database {path} is full; make room on it.")) from error
        told = StartupError(
            plain(
                f"The folder {folder} for the database {path} can't be written ({error.strerror}); give it to the user "
                "that the bot runs as, or point DATABASE_URL somewhere else."
            )
        )
        raise denied(path) or told from error


def _check_room(folder: Path, path: Path, least: int = disk.MIN_FREE_BYTES) -> None:
    free = disk.free(folder)
    if free is not None and free < least:
        raise StartupError(
            plain(
                f"The disk of the database {path} is nearly full: {free / 2**20:.1f} MiB are free, "
                f"{least // 2**20} should be; make room on it."
            )
        )


def _whose(path: Path) -> str:
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
    with closing(sqlite3.connect(path, isolation_level=None, timeout=WAIT_S)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            connection.execute(f"PRAGMA user_version = {version}")  # no change, but fails on a read-only file
        finally:
            connection.rollback()
        return version
