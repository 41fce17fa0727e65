"""What is deleted in Discord leaves the history, at once or as soon as the store can be used again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.store.turn_deletion import TurnDeletion

RETRY_S: Final = 15
BATCH: Final = 100
"""Messages that are looked up in one transaction."""

LARGEST_ID: Final = 2**63 - 1

log = logging.getLogger(__name__)


class DeletionService:
    """Follows the deletions in Discord, one batch after the other however many come at once."""

    def __init__(self, removals: TurnDeletion, clock: Clock) -> None:
        self._removals = removals
        self._clock = clock
        self._messages: set[int] = set()
        self._channels: set[int] = set()
        self._waiting = asyncio.Event()

    def messages(self, message_ids: Collection[int]) -> None:
        """Let go of every turn that was shown in one of these messages: from now on none goes along with a question."""
        message_ids = _possible(message_ids)
        self._removals.note(message_ids)
        self._messages.update(message_ids)
        self._waiting.set()

    def channel(self, channel_id: int) -> None:
        """Let go of everything in a channel or thread, and in a channel's threads."""
        channel_ids = _possible([channel_id])
        self._removals.note(channel_ids)
        self._channels.update(channel_ids)
        self._waiting.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry deletions out for as long as the block runs, and what is left of them at its end."""
        working = asyncio.create_task(self._work(), name="deletions")
        try:
            yield
        finally:
            working.cancel()
            await asyncio.wait({working})
            if not await self._carry_out():
                facts = {"messages": len(self._messages), "channels": len(self._channels)}
                log.error("deletions not carried out", extra=facts)

    async def _work(self) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            if not await self._carry_out():
                self._waiting.set()
                await self._clock.sleep(RETRY_S)

    async def _carry_out(self) -> bool:
        """Do all there is to do; False where some of it could not be done now."""
        turns = 0
        try:
            while batch := list(islice(self._messages, BATCH)):
                turns += await self._removals.of_messages(batch)
                self._messages.difference_update(batch)
            while channel := list(islice(self._channels, 1)):
                turns += await self._removals.of_channel(channel[0])
                self._channels.difference_update(channel)
        except StoreUnavailable as error:
            log.warning("deletions put off", extra={"messages": len(self._messages), "detail": str(error)})
            return False
        except Exception:
            # Nobody else would carry them out: whatever went wrong, try again.
            log.exception("deletions failed")
            return False
        if turns:
            log.info("deleted in Discord", extra={"turns": turns})
        return True


def _possible(ids: Collection[int]) -> list[int]:
    """Leave out ids that no database takes: nothing is kept under them, and they would stop all others in line."""
    return [each for each in ids if 0 <= each <= LARGEST_ID]
