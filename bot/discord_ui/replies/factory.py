"""Makes the answers to messages, and holds what they share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

import discord

from bot.clock import Clock
from bot.discord_ui.context import MessageableChannel, permissions_in
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.discord_ui.replies.errors import ReplyErrors
from bot.discord_ui.replies.output import ReplyOutput
from bot.discord_ui.sent_messages import SentMessages
from bot.tasks import BackgroundTasks

logger = logging.getLogger(__name__)

TYPING_EVERY_S: Final = 9.0
"""Discord shows the typing indicator for 10 seconds, and allows few such requests."""

CLOSE_TIMEOUT_S: Final = 1.0
"""How long running requests may take at shutdown: the answers themselves are over by then."""


class TypingIndicator:
    """Types in channels; several answers that wait in one of them are typed for once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._awaited: dict[int, set[asyncio.Event]] = {}
        self._typing: dict[int, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def until(self, first_text: asyncio.Event, channel: discord.PartialMessageable) -> AsyncIterator[None]:
        """Type in a channel until there is a first word, or the block ends."""
        awaited = self._awaited.setdefault(channel.id, set())
        awaited.add(first_text)
        typing = self._typing.get(channel.id)
        if typing is None or typing.done():
            self._typing[channel.id] = asyncio.create_task(self._type(channel, awaited), name="typing")
        try:
            yield
        finally:
            awaited.discard(first_text)
            if not awaited:
                del self._awaited[channel.id]
                self._typing.pop(channel.id).cancel()

    async def _type(self, channel: discord.PartialMessageable, awaited: Collection[asyncio.Event]) -> None:
        try:
            while not all(first_text.is_set() for first_text in awaited):
                await channel.typing()
                await self._clock.sleep(TYPING_EVERY_S)
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common. The answer comes all the same.
            logger.info("typing not shown", extra={"channel": channel.id, "error": type(failure).__name__})


class Replies:
    """Makes the answers to messages."""

    def __init__(self, client: discord.Client, buckets: RateLimitBuckets, clock: Clock) -> None:
        self.typing = TypingIndicator(clock)
        self.sent_messages = SentMessages()
        self._tasks = BackgroundTasks()
        self.errors = ReplyErrors(clock, self._tasks)
        self._client = client
        self._buckets = buckets

    def to(self, message: discord.Message, channel: MessageableChannel) -> ReplyOutput:
        """Return the output for an answer to a message in `channel`."""
        user = self._client.user
        assert user is not None, "messages come to those who are logged in"
        guild_id = None if isinstance(channel, discord.DMChannel) else channel.guild.id
        return ReplyOutput(
            message,
            self._client.get_partial_messageable(channel.id, guild_id=guild_id),
            permissions_in(channel),
            own_id=user.id,
            channel_bucket=self._buckets.for_channel(channel.id),
            sent_messages=self.sent_messages,
            tasks=self._tasks,
        )

    async def close(self) -> None:
        """Delete what was to be deleted anyway, and end what still runs."""
        self.errors.close()
        await self._tasks.close(CLOSE_TIMEOUT_S)
