"""What is deleted in Discord leaves the history, at once or as soon as the store can be used again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.store.removals import Removals

RETRY_S: Final = 15

log = logging.getLogger(__name__)


class Deletions:
    """Follows the deletions in Discord. Nothing raises StoreUnavailable: nobody is there to be told."""

    def __init__(self, removals: Removals, clock: Clock) -> None:
        self._removals = removals
        self._clock = clock
        self._messages: set[int] = set()
        self._channels: set[int] = set()
        self._waiting = asyncio.Event()

    async def messages(self, message_ids: Collection[int]) -> None:
        """Let go of every turn that was shown in one of these messages."""
        self._messages.update(message_ids)
        await self._carry_out()

    async def channel(self, channel_id: int) -> None:
        """Let go of everything in a channel or thread, and in a channel's threads."""
        self._channels.add(channel_id)
        await self._carry_out()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Try again, for as long as the block runs, where the store could not be used."""
        retrying = asyncio.create_task(self._retry(), name="deletions")
        try:
            yield
        finally:
            retrying.cancel()
            await asyncio.wait({retrying})
            if self._messages or self._channels:
                log.error(
                    "deletions not carried out",
                    extra={"messages": len(self._messages), "channels": len(self._channels)},
                )

    async def _carry_out(self) -> None:
        messages, channels = tuple(self._messages), tuple(self._channels)
        try:
            turns = await self._removals.of_messages(messages) if messages else 0
            self._messages.difference_update(messages)
            for channel_id in channels:
                turns += await self._removals.of_channel(channel_id)
                self._channels.discard(channel_id)
        except StoreUnavailable as error:
            log.warning("deletions put off", extra={"messages": len(messages), "detail": str(error)})
            self._waiting.set()
        else:
            if turns:
                log.info("deleted in Discord", extra={"turns": turns})

    async def _retry(self) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            await self._clock.sleep(RETRY_S)
            await self._carry_out()
