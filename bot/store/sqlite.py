"""The SQLite engine: one connection that writes, one that reads, each used by one transaction at a time.

SQLite has one writer at a time anyway; a reading connection of its own keeps small reads quick while a long write runs
(write-ahead log). A task that is cancelled within a transaction would leave it open for the next one, so every
transaction is a task of its own that callers cannot cancel.

What is deleted is overwritten in the file, but stays readable in the write-ahead log until that is written over, so the
log is emptied a moment after each transaction that took something away. SQLite also leaves copies behind where it
moves rows from page to page, so once a day, and after the first deletion, a file of common size is rewritten. In a
larger one the copies stay until their page is reused.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite

from bot.clock import Clock, SystemClock
from bot.errors import StoreFull, StoreReplaced, StoreUnavailable, Unstorable
from bot.store import disk
from bot.store.database import Row, Value, Work
from bot.tasks import BackgroundTasks, background_loop, run_to_end

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 1_500
"""How long SQLite waits for another process to finish writing before it gives up.

An answer makes two writes before it is acknowledged, and Discord waits three seconds for that.
"""

_BUSY_TIMEOUT_AFTER_FAILURE_MS = 200
"""How long it waits after a wait that failed, until one succeeds: many would wait one after another."""

LOG_LIMIT_BYTES: Final = 4 * 2**20
"""How much of the write-ahead log's file is kept once all of it is in the database."""

EMPTY_LOG_AFTER_S: Final = 1.0
"""How long after a deletion the log is emptied: deletions in a row share one emptying."""

EMPTY_LOG_RETRY_S: Final = 5.0
"""How long after a reader or writer was in the way it is tried again."""

EMPTY_LOG_WAITS_S: Final = 0.05
"""How long emptying the log may block writers."""

REWRITE_EVERY_S: Final = 24 * 3600.0

MAX_REWRITTEN_BYTES: Final = 32 * 2**20
"""Writers are blocked during a rewrite: a quarter of a second on a common disk."""

_REWRITE_SPACE_FACTOR: Final = 3
"""How many times the file's size has to be free, in addition to `MIN_FREE_BYTES`."""


T = TypeVar("T")


class SqliteDatabase:
    """The `Database` port over one SQLite file. Made by `connect`, which also closes it."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, clock: Clock) -> None:
        self._files = _OpenFiles(path)
        self._clock = clock
        self._erased = asyncio.Event()
        self._rewrite_at = clock.monotonic()
        self._pause_s = EMPTY_LOG_AFTER_S
        # IMMEDIATE takes the write lock first: a transaction that reads and then writes would otherwise fail at once,
        # busy timeout or not, when another process wrote in between.
        self._writing = _SerialConnection(self._files, writer, "BEGIN IMMEDIATE", self._erased.set)
        self._reading = _SerialConnection(self._files, reader, "BEGIN")

    async def write(self, work: Work[T]) -> T:
        """Run `work` alone among all writers; commit when it returns, roll back when it raises."""
        return await self._writing.run(work)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one unchanging view of the data."""
        return await self._reading.run(work)

    async def empty_log_after_deletion(self) -> None:
        """Wait for a deletion, and empty the write-ahead log a moment after it."""
        await self._erased.wait()
        await self._clock.sleep(self._pause_s)
        rewrite = self._clock.monotonic() >= self._rewrite_at
        self._erased.clear()
        if await asyncio.to_thread(_empty_log, self._files, rewrite=rewrite):
            self._pause_s = EMPTY_LOG_AFTER_S
            if rewrite:
                self._rewrite_at = self._clock.monotonic() + REWRITE_EVERY_S
        else:
            self._erased.set()
            self._pause_s = EMPTY_LOG_RETRY_S

    async def close(self) -> None:
        """Refuse new transactions, await the running ones, and empty the log after deletions."""
        await self._writing.drain()
        await self._reading.drain()
        if self._erased.is_set():  # closing empties it only where no other process has the file open
            await asyncio.to_thread(_empty_log, self._files)


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open both connections to the migrated file at `path`; on the way out let running transactions end, then close.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(_connection(path))
        reader = await stack.enter_async_context(_connection(path, "PRAGMA query_only = ON"))
        for connection in (writer, reader):
            await connection.execute_fetchall(
                "SELECT count(*) FROM sqlite_schema"
            )  # by now each has opened all the files
        await writer.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT_BYTES}")  # PRAGMA takes no placeholders
        clock = SystemClock()
        database = SqliteDatabase(path, writer, reader, clock)
        try:
            async with background_loop(database.empty_log_after_deletion, 0, clock, name="write-ahead log"):
                yield database
        finally:
            await run_to_end(database.close())


class _OpenFiles:
    """The files that the connections have open, as they are now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = disk.get_database_files(path)
        self._identities = _get_inodes(self._files)
        self._format_obstacle = False

    def report_replaced_database_once(self) -> bool:
        """Return True the first time that the database file itself is found removed or replaced."""
        first = not self._format_obstacle and _get_inodes(self._files)[0] != self._identities[0]
        self._format_obstacle |= first
        return first

    def check(self) -> None:
        """Raise StoreReplaced where one was removed or another has its name.

        SQLite would go on with the files it has open, which are lost with the process; and a process that opens the
        new file would take the old log for its own.
        """
        if _get_inodes(self._files) != self._identities:
            raise StoreReplaced("a file of the database was removed or replaced; restart the bot")


def _get_inodes(files: Iterable[Path]) -> list[tuple[int, int] | None]:
    """Return the files' device and inode numbers; None for a file that is missing or cannot be read."""
    found: list[tuple[int, int] | None] = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_dev, stat.st_ino))
    return found


class _SerialConnection:
    """One connection, the transaction that has it, and those waiting for it."""

    def __init__(
        self, files: _OpenFiles, connection: aiosqlite.Connection, begin: str, erased: Callable[[], None] = lambda: None
    ) -> None:
        self._files = files
        self._connection = connection
        self._begin = begin
        self._erased = erased
        self._full = False
        self._free = asyncio.Lock()
        self._transactions = BackgroundTasks()
        self._closed = False
        self._timeout_reduced = False

    async def run(self, work: Work[T]) -> T:
        if self._closed:
            raise StoreUnavailable("the database is closed")
        return await self._transactions.run_shielded(self._transact(work))

    async def drain(self) -> None:
        self._closed = True
        await self._transactions.drain()

    async def _transact(self, work: Work[T]) -> T:
        async with self._free:
            try:
                await self._check_files()
                if self._connection.in_transaction:
                    await self._connection.rollback()  # the last roll-back failed (a disk error): begin clean
                try:
                    await self._connection.execute(self._begin)
                    transaction = _SqliteTransaction(self._connection)
                    result = await work(transaction)
                    await self._connection.execute("COMMIT")
                except BaseException:
                    await self._connection.rollback()  # does nothing where SQLite has rolled back by itself
                    raise
            except sqlite3.Error as error:
                await self._set_busy_timeout(not disk.is_busy(error))
                unavailable = disk.build_store_error(error, self._files.path)
                logger.error("transaction failed", extra={"begin": self._begin, "detail": str(unavailable)})
                if isinstance(unavailable, StoreFull):
                    self._log_disk_state(full=True)
                raise unavailable from error
            await self._set_busy_timeout(True)
            if transaction.wrote:
                self._log_disk_state(full=False)
            if transaction.erased:
                self._erased()
            return result

    async def _check_files(self) -> None:
        try:
            self._files.check()
        except StoreReplaced as error:
            logger.error("transaction refused", extra={"begin": self._begin, "detail": str(error)})
            if self._files.report_replaced_database_once():
                # Write the log into the file that it belongs to: a process that opens the new file would take the log
                # for that one's. Once, since afterwards the log may be another process's.
                with suppress(sqlite3.Error):
                    await self._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            raise

    def _log_disk_state(self, *, full: bool) -> None:
        """Log once that the disk is full, and once that it no longer is."""
        if full and not self._full:
            logger.warning("database disk full")
        if self._full and not full:
            logger.warning("database disk no longer full")
        self._full = full

    async def _set_busy_timeout(self, patient: bool) -> None:
        """Wait for locks as long as usual from now on (`patient`), or only shortly."""
        if patient is self._timeout_reduced:
            self._timeout_reduced = not patient
            milliseconds = BUSY_TIMEOUT_MS if patient else _BUSY_TIMEOUT_AFTER_FAILURE_MS
            await self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}")  # PRAGMA takes no placeholders


class _SqliteTransaction:
    """The `Transaction` port over a connection; each statement is run in the connection's thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self.wrote = False
        self.erased = False

    async def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        with _refuse_unstorable():
            cursor = await self._connection.execute(sql, parameters)
        self._record_change(sql, cursor.rowcount)
        return cursor.rowcount

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        with _refuse_unstorable():
            cursor = await self._connection.executemany(sql, rows)
        self._record_change(sql, cursor.rowcount)

    async def fetch_one(self, sql: str, parameters: Sequence[Value] = ()) -> Row | None:
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def fetch_each(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row | None]:
        # Queued together: the thread runs them in order without going to sleep in between, which costs most by far.
        return await asyncio.gather(*(self.fetch_one(sql, row) for row in rows))

    async def fetch_all(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        with _refuse_unstorable():
            rows = [tuple(row) for row in await self._connection.execute_fetchall(sql, parameters)]
        self._record_change(sql, len(rows))
        return rows

    def _record_change(self, sql: str, rows: int) -> None:
        """Record whether anything was written, and whether anything was overwritten or deleted."""
        if rows > 0:
            verb = sql.lstrip()[:6].upper()
            self.wrote |= verb in {"INSERT", "UPDATE", "DELETE"}
            self.erased |= verb in {"UPDATE", "DELETE"}


@contextmanager
def _refuse_unstorable() -> Iterator[None]:
    """Raise Unstorable for a parameter that SQLite does not take: the module raises no `sqlite3.Error` for that."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        logger.error("statement refused", extra={"detail": type(error).__name__})
        raise Unstorable(type(error).__name__) from None


@asynccontextmanager
async def _connection(path: Path, *pragmas: str) -> AsyncIterator[aiosqlite.Connection]:
    """Open one connection, set up; closed on every way out, since its thread would keep the process alive."""
    connection = aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
    await run_to_end(_open(connection))
    try:
        # secure_delete: what members have deleted is overwritten in the file, and not only given up.
        common = ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = ON")
        for pragma in (*common, *pragmas):
            await connection.execute(pragma)
        yield connection
    finally:
        await run_to_end(connection.close())


def _empty_log(files: _OpenFiles, *, rewrite: bool = False) -> bool:
    """Write all of the log into the database and truncate it; return False if another is in the way. Blocking.

    With `rewrite` the file is rewritten before that, if it can be. It uses a connection of its own, because most of
    the work blocks no writer.
    """
    address = f"{files.path.absolute().as_uri()}?mode=rw"  # never makes a file
    try:
        files.check()
        with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=EMPTY_LOG_WAITS_S)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            if rewrite and _can_be_rewritten(files.path):
                connection.execute("PRAGMA temp_store = MEMORY")  # what people wrote must be in no other file
                connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except (OSError, sqlite3.Error, StoreReplaced) as error:
        logger.info("write-ahead log not emptied yet", extra={"code": getattr(error, "sqlite_errorname", None)})
        return False
    return not busy


def _can_be_rewritten(path: Path) -> bool:
    """Return whether a file is small enough to be rewritten, and the disk has room for it."""
    size = path.stat().st_size
    free = disk.free(path.parent)
    return (
        size <= MAX_REWRITTEN_BYTES and free is not None and free >= _REWRITE_SPACE_FACTOR * size + disk.MIN_FREE_BYTES
    )


async def _open(connection: aiosqlite.Connection) -> None:
    await connection


def sanitize_for_db(text: str) -> str:
    """Replace what no database takes: half a surrogate pair (JSON can carry one) and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
