"""Whether the bot may join a voice channel: its permissions there, and how often it joins."""

from collections import deque
from typing import Final

import discord

from bot.clock import Clock
from bot.discord_ui.voice.connection import VocalChannel
from bot.errors import UserError
from bot.messages import voice as texts

WINDOW_S: Final = 60.0
"""How far back joins are counted."""

MAX_PER_GUILD: Final = 10
MAX_PER_SHARD: Final = 40
"""Joins and moves within a minute. With as many departures that is 80 of the 110 commands a shard may send then; the
others are for reconnects."""


class MissingVoicePermission(UserError):
    """The bot lacks a permission to join a voice channel or to speak there, or the channel is full."""


class TooManyJoins(UserError):
    """The bot joined voice channels, or moved between them, too often within a minute."""

    message = texts.too_many_joins()


class JoinLimit:
    """A rate limit on joins and moves, which count against the gateway's budget that all guilds of a shard share.

    Leaving is not counted: it follows a join, and is never refused.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[tuple[float, int, int]] = deque()  # when, shard id, guild id

    def count(self, guild: discord.Guild) -> None:
        """Count a join in this guild.

        Raises:
            TooManyJoins: there were too many within a minute; this one is not counted.
        """
        now = self._clock.monotonic()
        while self._recent and self._recent[0][0] <= now - WINDOW_S:
            self._recent.popleft()
        on_shard = [guild_id for _, shard_id, guild_id in self._recent if shard_id == guild.shard_id]
        if len(on_shard) >= MAX_PER_SHARD or on_shard.count(guild.id) >= MAX_PER_GUILD:
            raise TooManyJoins
        self._recent.append((now, guild.shard_id, guild.id))


def check_connect_permissions(channel: VocalChannel) -> None:
    """Check that the bot may connect and speak.

    Raises:
        MissingVoicePermission: it may not, or the channel is full.
    """
    granted = channel.permissions_for(channel.guild.me)
    lacking = next((name for name, has in _list_requirements(channel, granted) if not has), None)
    if lacking is not None:
        raise MissingVoicePermission(
            f"lacks {lacking}",
            message=texts.missing_permission(lacking, channel.mention),
        )
    others = [user_id for user_id in channel.voice_states if user_id != channel.guild.me.id]
    if channel.user_limit and len(others) >= channel.user_limit and not granted.move_members:
        raise MissingVoicePermission("full", message=texts.channel_full(channel.mention))


def _list_requirements(channel: VocalChannel, granted: discord.Permissions) -> list[tuple[str, bool]]:
    required = [("View Channel", granted.view_channel), ("Connect", granted.connect)]
    if isinstance(channel, discord.StageChannel):
        # The audience of a stage cannot be heard, and only a moderator becomes a speaker without an invitation.
        return [*required, ("Mute Members", granted.mute_members)]
    return [*required, ("Speak", granted.speak)]
