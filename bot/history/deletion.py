"""Deletes from the history what is deleted in Discord, at once or as soon as the store can be used again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.store.turn_deletion import TurnDeletion
from bot.tasks import background_loop

RETRY_S: Final = 15
BATCH_SIZE: Final = 100
"""Messages that are looked up in one transaction."""

MAX_ID: Final = 2**63 - 1

logger = logging.getLogger(__name__)


class DeletionService:
    """Follows the deletions in Discord, one batch after the other however many arrive at once."""

    def __init__(self, turn_deletion: TurnDeletion, clock: Clock) -> None:
        self._turn_deletion = turn_deletion
        self._clock = clock
        self._messages: set[int] = set()
        self._channels: set[int] = set()
        self._requested = asyncio.Event()

    def delete_messages(self, message_ids: Collection[int]) -> None:
        """Delete every turn that was shown in one of these messages: from now on none is sent with a question."""
        message_ids = _valid_ids(message_ids)
        self._turn_deletion.add_tombstones(message_ids)
        self._messages.update(message_ids)
        self._requested.set()

    def delete_channel(self, channel_id: int) -> None:
        """Delete everything in a channel or thread, and in a channel's threads."""
        channel_ids = _valid_ids([channel_id])
        self._turn_deletion.add_tombstones(channel_ids)
        self._channels.update(channel_ids)
        self._requested.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry out deletions for as long as the block runs, and what is left of them at its end."""
        try:
            async with background_loop(self._delete_requested, 0, self._clock, name="deletions", retry_s=RETRY_S):
                yield
        finally:
            if not await self._delete_pending():
                facts = {"messages": len(self._messages), "channels": len(self._channels)}
                logger.error("deletions not done", extra=facts)

    async def _delete_requested(self) -> bool:
        """Wait for a deletion and carry it out; return False where it has to be tried again."""
        await self._requested.wait()
        self._requested.clear()
        if await self._delete_pending():
            return True
        self._requested.set()
        return False

    async def _delete_pending(self) -> bool:
        """Carry out all deletions; return False where some could not be done at the moment."""
        turns = 0
        try:
            while batch := list(islice(self._messages, BATCH_SIZE)):
                turns += await self._turn_deletion.delete_by_messages(batch)
                self._messages.difference_update(batch)
            while channel := list(islice(self._channels, 1)):
                turns += await self._turn_deletion.delete_channel(channel[0])
                self._channels.difference_update(channel)
        except StoreUnavailable as error:
            logger.warning("deletions postponed", extra={"messages": len(self._messages), "detail": str(error)})
            return False
        except Exception:
            # Nothing else would carry them out: whatever went wrong, try again.
            logger.exception("deletions failed")
            return False
        if turns:
            logger.info("turns deleted", extra={"turns": turns})
        return True


def _valid_ids(ids: Collection[int]) -> list[int]:
    """Return the ids that fit the database: nothing is kept under others, and they would stop all that follow."""
    return [each for each in ids if 0 <= each <= MAX_ID]
