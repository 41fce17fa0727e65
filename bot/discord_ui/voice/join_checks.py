"""Whether the bot may join a voice channel: its permissions there, and how often it joins."""

from collections import deque
from typing import Final

import discord

from bot.clock import Clock
from bot.discord_ui.voice.connection import VocalChannel
from bot.errors import UserError
from bot.messages import voice as texts

WITHIN_S: Final = 60.0
SERVER_MOST: Final = 10
SHARD_MOST: Final = 40
"""Joins and moves within a minute. With as many departures that is 80 of the 110 commands a shard may send then; the
others are for connections that are made anew."""


class MissingVoicePermission(UserError):
    """A voice channel cannot be joined, or not spoken in."""


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


def check_entrance(channel: VocalChannel) -> None:
    """Do nothing where the bot may come in and speak.

    Raises:
        MissingVoicePermission: it may not.
    """
    held = channel.permissions_for(channel.guild.me)
    lacking = next((name for name, has in _needs(channel, held) if not has), None)
    if lacking is not None:
        raise MissingVoicePermission(
            f"lacks {lacking}",
            message=texts.missing_permission(lacking, channel.mention),
        )
    others = [user_id for user_id in channel.voice_states if user_id != channel.guild.me.id]
    if channel.user_limit and len(others) >= channel.user_limit and not held.move_members:
        raise MissingVoicePermission("full", message=texts.channel_full(channel.mention))


def _needs(channel: VocalChannel, held: discord.Permissions) -> list[tuple[str, bool]]:
    needs = [("View Channel", held.view_channel), ("Connect", held.connect)]
    if isinstance(channel, discord.StageChannel):
        # An audience can't be heard, and only who may mute others comes out of it without being asked to.
        return [*needs, ("Mute Members", held.mute_members)]
    return [*needs, ("Speak", held.speak)]
