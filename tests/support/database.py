"""A database in trouble."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.errors import StoreUnavailable
from bot.store.database import Database, Work

T = TypeVar("T")


class UnreachableDatabase:
    """A database that cannot be used while `down`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.down = True
        self.writes = 0

    async def write(self, work: Work[T]) -> T:
        self.writes += 1
        return await self._run(self._database.write, work)

    async def read(self, work: Work[T]) -> T:
        return await self._run(self._database.read, work)

    async def _run(self, run: Callable[[Work[T]], Awaitable[T]], work: Work[T]) -> T:
        if self.down:
            raise StoreUnavailable("out of reach")
        return await run(work)
