"""A look at the database that alters nothing: could the bot use it?"""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from bot.errors import StartupFault
from bot.store.opening import check_engine, database_path, has_content, look_at, unusable
from bot.store.schema import migrations, version_of

WAIT_S = 2.0


def inspect(url: str) -> str:
    """Tell in a few words how the database at `url` is. Blocking.

    Raises:
        StartupFault: it cannot be used, with one sentence that says why.
    """
    path = database_path(url)
    check_engine()
    folder = path.parent
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 - Path's raises where it may not look
        folder = folder.parent
    _try_to_write(folder, path)
    if not has_content(path):
        return f"{path} will be made at the first start"
    try:
        look_at(path)
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
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StartupFault(
            f"The folder {folder} for the database {path} can't be written ({error.strerror}); give it to the user "
            "that the bot runs as, or point DATABASE_URL somewhere else."
        ) from error


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
