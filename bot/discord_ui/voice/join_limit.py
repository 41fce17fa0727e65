"""How often the bot comes into voice channels: it costs the gateway's budget, which all servers of a shard share."""

from collections import deque
from typing import Final

import discord

from bot.clock import Clock
from bot.errors import UserError
from bot.messages import voice as texts

WITHIN_S: Final = 60.0
SERVER_MOST: Final = 10
SHARD_MOST: Final = 40
"""Joins and moves within a minute. With as many departures that is 80 of the 110 commands a shard may send then; the
others are for connections that are made anew."""


class TooManyJoins(UserError):
    """The bot has come into voice channels, or gone from one to another, too often within a minute."""

    message = texts.too_many_joins()


class JoinLimit:
    """Counts joins and moves. Departures are not counted: there are no more of them, and leaving is never refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[tuple[float, int, int]] = deque()  # when, on which shard, in which server

    def count(self, guild: discord.Guild) -> None:
        """Count one more in this server.

        Raises:
            TooManyJoins: there were too many within a minute; this one is not counted.
        """
        now = self._clock.monotonic()
        while self._recent and self._recent[0][0] <= now - WITHIN_S:
            self._recent.popleft()
        on_shard = [guild_id for _, shard_id, guild_id in self._recent if shard_id == guild.shard_id]
        if len(on_shard) >= SHARD_MOST or on_shard.count(guild.id) >= SERVER_MOST:
            raise TooManyJoins
        self._recent.append((now, guild.shard_id, guild.id))
