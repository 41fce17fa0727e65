"""What comes to be kept while the database can't be written, and is kept when it can.

An answer that ends on a full disk has been shown and paid for: it waits here, in memory, with the last few others.
Until it has an id of its own it goes by a stand-in, which the buttons under it bear.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from bot.clock import Clock
from bot.errors import StoreUnavailable, Unstorable

MOST_WAITING: Final = 40
"""Each is an answer, or the ids of its messages. The oldest make room."""

MOST_REMEMBERED: Final = 1000
"""Ids that took the place of a stand-in."""

RETRY_EVERY_S: Final = 5

_STAND_INS: Final = 2**62
"""Ids from here on are stand-ins: no table comes so far."""

logger = logging.getLogger(__name__)

Save = Callable[[], Awaitable[int | None]]
"""Writes a row and gives its id; None where it is not to be kept after all. Raises StoreUnavailable."""


class DeferredWrites:
    """Writes in the order in which they came: a later one does not overtake those that wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, Save] = {}
        self._ids: dict[int, int] = {}
        self._writing = asyncio.Lock()

    async def write(self, save: Save) -> int | None:
        """Write now, or as soon as that is possible; give the row's id, or a stand-in for it.

        Raises:
            Unstorable: no database takes it, now or later.
        """
        async with self._writing:
            await self._write_waiting()
            if not self._waiting:
                try:
                    return await save()
                except Unstorable:
                    raise
                except StoreUnavailable as error:
                    logger.warning("to be kept later", extra={"waiting": 1, "detail": str(error)})
            stand_in = _STAND_INS + secrets.randbits(61)
            self._waiting[stand_in] = save
            while len(self._waiting) > MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
                logger.error("not kept: too many wait already")
            return stand_in

    def get_id(self, row_id: int) -> int:
        """Give the id that a row came to have in place of its stand-in; any other id as it is."""
        return self._ids.get(row_id, row_id)

    async def resolve_id(self, row_id: int) -> int:
        """Do as `get_id` does; a row that still waits is written first, if that is possible now."""
        if row_id in self._waiting:
            await self.flush()
        return self.get_id(row_id)

    async def flush(self) -> None:
        """Write what waits, as far as that is possible now."""
        async with self._writing:
            await self._write_waiting()

    @asynccontextmanager
    async def retrying(self) -> AsyncIterator[None]:
        """Try again and again for as long as the block runs, and once at its end."""
        trying = asyncio.create_task(self._try_for_ever(), name="late writes")
        try:
            yield
        finally:
            trying.cancel()
            await asyncio.wait({trying})
            await self.flush()
            if self._waiting:
                logger.error("not kept: the bot ends before there is room", extra={"lost": len(self._waiting)})

    async def _try_for_ever(self) -> None:
        while True:
            await self._clock.sleep(RETRY_EVERY_S)
            try:
                await self.flush()
            except Exception:
                # Whatever went wrong with one, the others still want to be kept.
                logger.exception("late writes failed")

    async def _write_waiting(self) -> None:
        for stand_in, save in list(self._waiting.items()):
            try:
                row_id = await save()
            except Unstorable as error:
                row_id = None
                logger.error("not kept: no database takes it", extra={"detail": str(error)})
            except StoreUnavailable:
                return  # logged where it happened
            self._waiting.pop(stand_in, None)
            if row_id is not None:
                self._ids[stand_in] = row_id
            while len(self._ids) > MOST_REMEMBERED:
                del self._ids[next(iter(self._ids))]
            if not self._waiting:
                logger.info("all that waited is kept")
