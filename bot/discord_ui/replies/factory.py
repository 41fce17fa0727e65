"""Where answers to messages come from: everything that they share."""

from typing import Final

import discord

from bot.clock import Clock
from bot.discord_ui.permissions import Place, footing_in
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.discord_ui.replies.errors import ReplyErrors
from bot.discord_ui.replies.output import ReplyOutput
from bot.discord_ui.replies.typing import TypingIndicator
from bot.discord_ui.sent_messages import SentMessages
from bot.tasks import BackgroundTasks

PUT_AWAY_S: Final = 1.0
"""How long requests that are under way at the end may take: the answers themselves are over by then."""


class Replies:
    """Makes the answers to messages."""

    def __init__(self, client: discord.Client, rooms: RateLimitBuckets, clock: Clock) -> None:
        self.typist = TypingIndicator(clock)
        self.arrivals = SentMessages()
        self._chores = BackgroundTasks()
        self.refusals = ReplyErrors(clock, self._chores)
        self._client = client
        self._rooms = rooms

    def to(self, message: discord.Message, place: Place) -> ReplyOutput:
        """Give what an answer to a message in `place` is shown by."""
        user = self._client.user
        assert user is not None, "messages come to those who are logged in"
        guild_id = None if isinstance(place, discord.DMChannel) else place.guild.id
        return ReplyOutput(
            message,
            self._client.get_partial_messageable(place.id, guild_id=guild_id),
            footing_in(place),
            own_id=user.id,
            room=self._rooms.of_channel(place.id),
            arrivals=self.arrivals,
            chores=self._chores,
        )

    async def close(self) -> None:
        """Take back what was to go away anyhow, and end what still goes on."""
        self.refusals.close()
        await self._chores.close(PUT_AWAY_S)
