"""Which text channel of a guild is read aloud in the bot's voice channel."""

import logging
from collections.abc import Callable, Collection
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import MissingPermission
from bot.guilds.settings import READ_CHANNEL
from bot.store.settings import StoredSettings

logger = logging.getLogger(__name__)

PermissionsIn = Callable[[int], Collection[Permission]]
"""Returns the requester's permissions in a channel, by its id; where it is gone, those in the one they ask in."""

_PERMISSION: Final = Permission.MANAGE_CHANNELS


class AutoRead:
    """One channel in each guild, none at first. Every method may raise StoreUnavailable; nothing was changed then."""

    def __init__(self, stored: StoredSettings, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock

    async def get(self, guild_id: int) -> int | None:
        """Return the channel that is read aloud, if one is. Loaded each time: any process can have changed it."""
        channel_id = await self._stored.get_guild_value(guild_id, READ_CHANNEL.name)
        return None if channel_id is None else int(channel_id)

    async def set(self, requester: RequestContext, channel_id: int, permissions_in: PermissionsIn) -> None:
        """Set the channel to read aloud, in place of another one. It takes the permission in both.

        Raises:
            MissingPermission, NotInGuild: the requester may not.
        """
        guild_id = requester.require_guild()
        _require(requester, channel_id, permissions_in)
        if (replaced := await self.get(guild_id)) is not None:
            _require(requester, replaced, permissions_in)
        at_ms = unix_ms(self._clock.discord_now())
        await self._stored.set_guild(guild_id, READ_CHANNEL.name, str(channel_id), by=requester.user_id, at_ms=at_ms)
        logger.info("channel read aloud", extra={"guild": guild_id, "channel": channel_id, "user": requester.user_id})

    async def clear(self, requester: RequestContext, permissions_in: PermissionsIn) -> bool:
        """Read no channel aloud any more; return whether one was. It takes the permission in that one.

        Raises:
            MissingPermission, NotInGuild: the requester may not.
        """
        guild_id = requester.require_guild()
        present = await self.get(guild_id)
        _require(requester, requester.channel_id if present is None else present, permissions_in)
        at_ms = unix_ms(self._clock.discord_now())
        cleared = await self._stored.clear_guild(guild_id, [READ_CHANNEL.name], by=requester.user_id, at_ms=at_ms)
        if cleared:
            logger.info("channel no longer read aloud", extra={"guild": guild_id, "user": requester.user_id})
        return bool(cleared)


def _require(requester: RequestContext, channel_id: int, permissions_in: PermissionsIn) -> None:
    if _PERMISSION not in permissions_in(channel_id):
        raise MissingPermission(_PERMISSION, where=None if channel_id == requester.channel_id else f"<#{channel_id}>")
