"""The typing indicator: shown in a channel for as long as an answer there waits for its first word."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

import discord

from bot.clock import Clock

EVERY_S: Final = 9.0
"""Discord shows it for ten seconds, and allows few such requests."""

log = logging.getLogger(__name__)


class TypingIndicator:
    """Types in channels; several answers that wait in one of them are typed for once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._awaited: dict[int, set[asyncio.Event]] = {}
        self._typing: dict[int, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def until(self, first_word: asyncio.Event, channel: discord.PartialMessageable) -> AsyncIterator[None]:
        """Type in a channel until there is a first word, or the block ends."""
        awaited = self._awaited.setdefault(channel.id, set())
        awaited.add(first_word)
        typing = self._typing.get(channel.id)
        if typing is None or typing.done():
            self._typing[channel.id] = asyncio.create_task(self._type(channel, awaited), name="typing")
        try:
            yield
        finally:
            awaited.discard(first_word)
            if not awaited:
                del self._awaited[channel.id]
                self._typing.pop(channel.id).cancel()

    async def _type(self, channel: discord.PartialMessageable, awaited: Collection[asyncio.Event]) -> None:
        try:
            while not all(first_word.is_set() for first_word in awaited):
                await channel.typing()
                await self._clock.sleep(EVERY_S)
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common. The answer comes all the same.
            log.info("typing not shown", extra={"channel": channel.id, "error": type(failure).__name__})
