"""Where answers to messages come from: everything that they share."""

from typing import Final

import discord

from bot.clock import Clock
from bot.tasks import BackgroundTasks
from bot.ui.arrivals import Arrivals
from bot.ui.footing import Place, footing_in
from bot.ui.message_answers import MessageAnswer
from bot.ui.refusals import Refusals
from bot.ui.rooms import Rooms
from bot.ui.typist import Typist

PUT_AWAY_S: Final = 1.0
"""How long requests that are under way at the end may take: the answers themselves are over by then."""


class Replies:
    """Makes the answers to messages."""

    def __init__(self, client: discord.Client, rooms: Rooms, clock: Clock) -> None:
        self.typist = Typist(clock)
        self.arrivals = Arrivals()
        self._chores = BackgroundTasks()
        self.refusals = Refusals(clock, self._chores)
        self._client = client
        self._rooms = rooms

    def to(self, message: discord.Message, place: Place) -> MessageAnswer:
        """Give what an answer to a message in `place` is shown by."""
        user = self._client.user
        assert user is not None, "messages come to those who are logged in"
        guild_id = None if isinstance(place, discord.DMChannel) else place.guild.id
        return MessageAnswer(
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
