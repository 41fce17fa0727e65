"""The migrations: numbered SQL files, and how a database of any earlier version is brought up to date.

SQLite's `user_version` holds the number of the last migration applied; `application_id` says that the file is ours.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

APPLICATION_ID = 0x4D41_4142
"""Marks a SQLite file as this bot's ("MAAB")."""

_FOLDER = Path(__file__).parent / "migrations"
_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


class NewerThanCode(Exception):
    """The file was written by a later version of the bot; `version` is its schema."""

    def __init__(self, version: int) -> None:
        super().__init__(f"schema {version}")
        self.version = version


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: the statements that lead from version `number - 1` to `number`."""

    number: int
    sql: str

    def statements(self) -> Iterator[str]:
        """Yield the statements one at a time (`executescript` would commit half-way)."""
        pending = ""
        for line in self.sql.splitlines(keepends=True):
            pending += line
            if sqlite3.complete_statement(pending):
                yield pending
                pending = ""


def migrations() -> list[Migration]:
    """Return all migrations, oldest first."""
    found = ((_FILE_NAME.fullmatch(path.name), path) for path in _FOLDER.iterdir())
    return sorted(
        (Migration(int(name[1]), path.read_text(encoding="utf-8")) for name, path in found if name),
        key=lambda migration: migration.number,
    )


def version_of(connection: sqlite3.Connection) -> int:
    """Return which migration was applied last; 0 for an empty file."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def upgrade(connection: sqlite3.Connection, steps: Sequence[Migration]) -> None:
    """Apply those of `steps` that the file lacks, each in one transaction with its version number.

    A crash leaves the file at the last whole step. Of two processes that start at once one waits for the other at every
    step and finds it done. The connection must be in autocommit mode (`isolation_level=None`).

    Raises:
        NewerThanCode: the file's version is beyond the last of `steps`.
        sqlite3.Error: the file cannot be written, or is locked for longer than the busy timeout.
    """
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            if version > len(steps):
                raise NewerThanCode(version)
            if version == len(steps):
                connection.execute(f"PRAGMA user_version = {version}")  # no change, but fails on a read-only file
                return
            for statement in steps[version].statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")  # PRAGMA takes no placeholders
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        finally:
            connection.rollback()  # does nothing after the COMMIT
