"""The database port: the wall between the SQL of this package and the engine, so that the engine can be replaced.

Statements are written once, for every engine: placeholders are plain `?`, taken in order (an engine whose driver
numbers them does so when it first sees the text, so no literal may hold a question mark), ids are 64-bit integers,
times are milliseconds since 1970 in UTC, truth is 0 or 1.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Value = int | str | None
"""A column's or parameter's value."""

Row = tuple[Any, ...]  # Any: the columns' types are those of the SELECT that asked, which no checker reads.

Work = Callable[["Transaction"], Awaitable[T]]
"""What is done in one transaction."""


class Transaction(Protocol):
    """An open transaction: the wall between SQL and an engine's driver. Valid only during the `Work` that gets it."""

    async def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        ...

    async def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one changing statement once for each of `rows`, in their order."""
        ...

    async def fetch_one(self, sql: str, parameters: Sequence[Value] = ()) -> Row | None:
        """Run one statement (a SELECT, or a change with RETURNING) and return its first row, if it has one."""
        ...

    async def fetch_each(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row | None]:
        """Run one statement once for each of `rows`, in their order, and return the first row of each."""
        ...

    async def fetch_all(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return all of its rows."""
        ...


class Database(Protocol):
    """Runs transactions: the wall between the tables and the engine.

    A transaction runs to its end even when its caller is cancelled: the caller gets `CancelledError` at once and no
    result, and the change is still made whole or not at all. `work` must not call the database again, because it would
    wait for itself.
    """

    async def write(self, work: Work[T]) -> T:
        """Run `work` alone among all writers; commit when it returns, roll back when it raises.

        Raises:
            StoreUnavailable: locked for too long, full, read-only, damaged or closed; nothing was changed.
            Unstorable: a parameter is an integer of more than 64 bits, text that is no UTF-8, or a row that the
                schema forbids; nothing was changed.
        """
        ...

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one unchanging view of the data; it cannot write.

        Raises:
            StoreUnavailable: the data cannot be read just now.
        """
        ...
