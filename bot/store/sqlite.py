"""The SQLite engine: one connection that writes, one that reads, each used by one transaction at a time.

SQLite has one writer at a time anyway; a reading connection of its own keeps small reads quick while a long write runs
(write-ahead log). A task cancelled in mid-transaction would leave it open for whoever comes next, so every transaction
is a task of its own that nobody outside can cancel.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from bot.errors import StoreUnavailable, Unstorable
from bot.store.database import Row, Value, Work

BUSY_TIMEOUT_MS = 5_000
"""How long SQLite waits for another process to finish writing before it gives up."""

IMPATIENT_MS = 200
"""How long it waits once it has given up, until it gets through again: many would wait one after another."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SqliteDatabase:
    """The `Database` port over one SQLite file. Made by `connect`, which also closes it."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        # IMMEDIATE takes the write lock first: a transaction that reads and then writes would otherwise fail at once,
        # busy timeout or not, when another process wrote in between.
        self._writing = _Lane(writer, "BEGIN IMMEDIATE")
        self._reading = _Lane(reader, "BEGIN")

    async def write(self, work: Work[T]) -> T:
        """Run `work` alone among all writers; commit when it returns, roll back when it raises."""
        return await self._writing.run(work)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one unchanging view of the data."""
        return await self._reading.run(work)

    async def drain(self) -> None:
        """Take no new transactions and wait for the running ones."""
        await self._writing.drain()
        await self._reading.drain()


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open both connections to the migrated file at `path`; on the way out let running transactions end, then close.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(_connection(path))
        reader = await stack.enter_async_context(_connection(path, "PRAGMA query_only = ON"))
        database = SqliteDatabase(writer, reader)
        try:
            yield database
        finally:
            await _see_through(database.drain())


class _Lane:
    """One connection, the transaction that has it, and those waiting for it."""

    def __init__(self, connection: aiosqlite.Connection, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._free = asyncio.Lock()
        self._transactions: set[asyncio.Task[Any]] = set()  # Any: each gives what its work gives.
        self._closed = False
        self._given_up = False

    async def run(self, work: Work[T]) -> T:
        if self._closed:
            raise StoreUnavailable("the database is closed")
        transaction = asyncio.create_task(self._transact(work))
        self._transactions.add(transaction)
        transaction.add_done_callback(self._transactions.discard)
        try:
            await asyncio.wait({transaction})  # cancelling the wait leaves the transaction alone
        except asyncio.CancelledError:
            transaction.add_done_callback(_log_unheard)
            raise
        return transaction.result()

    async def drain(self) -> None:
        self._closed = True
        while self._transactions:
            await asyncio.wait(self._transactions)

    async def _transact(self, work: Work[T]) -> T:
        async with self._free:
            try:
                if self._connection.in_transaction:
                    await self._connection.rollback()  # the last roll-back failed (a disk error): begin clean
                try:
                    await self._connection.execute(self._begin)
                    result = await work(_SqliteTransaction(self._connection))
                    await self._connection.execute("COMMIT")
                except BaseException:
                    await self._connection.rollback()  # does nothing where SQLite has rolled back by itself
                    raise
            except sqlite3.Error as error:
                await self._be_patient(not _is_busy(error))
                name = getattr(error, "sqlite_errorname", "no SQLite code")
                logger.error("transaction failed begin=%r fault=%s code=%s", self._begin, type(error).__name__, name)
                raise StoreUnavailable(f"{type(error).__name__} {name}") from error
            await self._be_patient(True)
            return result

    async def _be_patient(self, patient: bool) -> None:
        """Wait long for a lock from now on, or not."""
        if patient is self._given_up:
            self._given_up = not patient
            milliseconds = BUSY_TIMEOUT_MS if patient else IMPATIENT_MS
            await self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}")  # PRAGMA takes no placeholders


class _SqliteTransaction:
    """The `Transaction` port over a connection; each statement is run in the connection's thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        with _values_fit():
            cursor = await self._connection.execute(sql, parameters)
        return cursor.rowcount

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        with _values_fit():
            await self._connection.executemany(sql, rows)

    async def fetch_one(self, sql: str, parameters: Sequence[Value] = ()) -> Row | None:
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def fetch_each(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row | None]:
        # Queued together: the thread runs them in order without going to sleep in between, which costs most by far.
        return await asyncio.gather(*(self.fetch_one(sql, row) for row in rows))

    async def fetch_all(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        with _values_fit():
            return [tuple(row) for row in await self._connection.execute_fetchall(sql, parameters)]


@contextmanager
def _values_fit() -> Iterator[None]:
    """Tell of a parameter that SQLite does not take; its module has no error of its own for that."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        logger.error("statement refused fault=%s", type(error).__name__)
        raise Unstorable(type(error).__name__) from None


@asynccontextmanager
async def _connection(path: Path, *pragmas: str) -> AsyncIterator[aiosqlite.Connection]:
    """Open one connection, set up; closed on every way out, since its thread would keep the process alive."""
    connection = aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
    await _see_through(_opened(connection))
    try:
        # secure_delete: what members have deleted is overwritten in the file, and not only given up.
        common = ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = ON")
        for pragma in (*common, *pragmas):
            await connection.execute(pragma)
        yield connection
    finally:
        await _see_through(connection.close())


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


async def _opened(connection: aiosqlite.Connection) -> None:
    await connection


async def _see_through(work: Coroutine[Any, Any, None]) -> None:  # Any: what a coroutine sends and is sent.
    """Await `work` to its end; a cancellation meanwhile is passed on only then."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


def _log_unheard(transaction: asyncio.Task[Any]) -> None:  # Any: the result is dropped.
    """Log how a transaction failed whose caller was cancelled: nobody else will."""
    if not transaction.cancelled() and (error := transaction.exception()) is not None:
        logger.warning("a cancelled caller's transaction failed", exc_info=error)
