"""Writes that could not be made are kept in memory and retried.

An answer that ends on a full disk has already been shown and charged. Until its row is written, a placeholder id stands
for the row's, for example in the custom ids of the answer's buttons.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from cachetools import FIFOCache

from bot.clock import Clock
from bot.errors import StoreUnavailable, Unstorable
from bot.tasks import background_loop, run_to_end

MAX_PENDING: Final = 40
"""Each is an answer, or the ids of its messages. The oldest are dropped."""

_MAX_RESOLVED: Final = 1000
"""Placeholder ids whose row is known; the oldest are dropped."""

RETRY_EVERY_S: Final = 5

_FIRST_PLACEHOLDER: Final = 2**62
"""Placeholder ids start here; no table reaches them."""

logger = logging.getLogger(__name__)

Save = Callable[[], Awaitable[int | None]]
"""Writes a row and returns its id, or None where it is not to be kept. Raises StoreUnavailable."""


class DeferredWrites:
    """Writes in order: a later write does not overtake pending ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending: dict[int, Save] = {}
        self._resolved: FIFOCache[int, int] = FIFOCache(_MAX_RESOLVED)
        self._writing = asyncio.Lock()

    async def write(self, save: Save) -> int | None:
        """Write now, or as soon as possible; return the row's id, or a placeholder for it.

        Raises:
            Unstorable: no database takes it, now or later.
        """
        async with self._writing:
            await self._write_pending()
            if not self._pending:
                try:
                    return await save()
                except Unstorable:
                    raise
                except StoreUnavailable as error:
                    logger.warning("write deferred", extra={"pending": 1, "detail": str(error)})
            placeholder = _FIRST_PLACEHOLDER + secrets.randbits(61)
            self._pending[placeholder] = save
            while len(self._pending) > MAX_PENDING:
                del self._pending[next(iter(self._pending))]
                logger.error("deferred write dropped: too many are pending")
            return placeholder

    def get_id(self, row_id: int) -> int:
        """Return the row's id for a placeholder that is written; any other id unchanged."""
        return self._resolved.get(row_id, row_id)

    async def resolve_id(self, row_id: int) -> int:
        """Return what `get_id` returns, after trying to write a row that is still pending."""
        if row_id in self._pending:
            await self.flush()
        return self.get_id(row_id)

    async def flush(self) -> None:
        """Write what is pending, as far as possible now."""
        async with self._writing:
            await self._write_pending()

    @asynccontextmanager
    async def retrying(self) -> AsyncIterator[None]:
        """Retry periodically while the block runs, and once at its end."""
        try:
            async with background_loop(self.flush, RETRY_EVERY_S, self._clock, name="deferred writes"):
                yield
        finally:
            await self.flush()
            if self._pending:
                logger.error("deferred writes lost at shutdown", extra={"lost": len(self._pending)})

    async def _write_pending(self) -> None:
        for placeholder, save in list(self._pending.items()):
            # A cancellation waits: what is being written is committed all the same, and must not be written again.
            if not await run_to_end(self._try_to_write(placeholder, save)):
                return

    async def _try_to_write(self, placeholder: int, save: Save) -> bool:
        """Write what is pending under `placeholder`; return False where the store cannot be used."""
        try:
            row_id = await save()
        except Unstorable as error:
            row_id = None
            logger.error("deferred write refused for good", extra={"detail": str(error)})
        except StoreUnavailable:
            return False  # logged where it happened
        self._pending.pop(placeholder, None)
        if row_id is not None:
            self._resolved[placeholder] = row_id
        if not self._pending:
            logger.info("deferred writes done")
        return True
