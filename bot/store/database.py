"""The database port: all that the tables ask of an engine, so that another engine can stand behind the same SQL.

Statements are written once, for every engine: placeholders are plain `?`, taken in order (an engine whose driver
numbers them does so when it first sees the text, so no literal may hold a question mark), ids are 64-bit integers,
times are milliseconds since 1970 in UTC, truth is 0 or 1.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Value = int | str | None
"""What a column or a parameter holds."""

Row = tuple[Any, ...]  # Any: the columns' types are those of the SELECT that asked, which no checker reads.

Work = Callable[["Transaction"], Awaitable[T]]


class Transaction(Protocol):
    """One open transaction. Valid only inside the call that handed it out."""

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
    """Where transactions are made.

    A transaction once asked for runs to its end whatever happens to the task that asked: a cancelled caller gets its
    `CancelledError` at once and no result, and the change is still made whole or not at all. `work` must not call the
    database again: it would wait for itself.
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
