"""Which text channel of a server is read aloud in the bot's voice channel."""

import logging
from collections.abc import Callable, Collection
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import MissingPermission, NotInGuild
from bot.guilds.setting_definitions import READ_CHANNEL
from bot.store.settings import StoredSettings

log = logging.getLogger(__name__)

RightsIn = Callable[[int], Collection[Permission]]
"""Tells which rights the caller has in a channel, by its id; where it is gone, those that they have where they ask."""

_RIGHT: Final = Permission.MANAGE_CHANNELS


class AutoRead:
    """One channel a server, none at first. Every method may raise StoreUnavailable, and has changed nothing then."""

    def __init__(self, stored: StoredSettings, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock

    async def get(self, guild_id: int) -> int | None:
        """Give the channel that is read aloud, if one is. Read anew each time: any process may have changed it."""
        channel_id = await self._stored.of_server(guild_id, READ_CHANNEL.name)
        return None if channel_id is None else int(channel_id)

    async def set(self, caller: RequestContext, channel_id: int, rights_in: RightsIn) -> None:
        """Have a channel read aloud, in place of another one. It takes the right in both, wherever it is asked for.

        Raises:
            MissingPermission, NotInGuild: the caller may not.
        """
        guild_id = _server_of(caller)
        _require(caller, channel_id, rights_in)
        if (replaced := await self.get(guild_id)) is not None:
            _require(caller, replaced, rights_in)
        at_ms = unix_ms(self._clock.discord_now())
        await self._stored.set_server(guild_id, READ_CHANNEL.name, str(channel_id), by=caller.user_id, at_ms=at_ms)
        log.info("channel read aloud", extra={"guild": guild_id, "channel": channel_id, "user": caller.user_id})

    async def clear(self, caller: RequestContext, rights_in: RightsIn) -> bool:
        """Have no channel read aloud; whether one was. It takes the right in that one.

        Raises:
            MissingPermission, NotInGuild: the caller may not.
        """
        guild_id = _server_of(caller)
        present = await self.get(guild_id)
        _require(caller, caller.channel_id if present is None else present, rights_in)
        at_ms = unix_ms(self._clock.discord_now())
        cleared = await self._stored.clear_server(guild_id, [READ_CHANNEL.name], by=caller.user_id, at_ms=at_ms)
        if cleared:
            log.info("channel no longer read aloud", extra={"guild": guild_id, "user": caller.user_id})
        return bool(cleared)


def _server_of(caller: RequestContext) -> int:
    """Return the id of the server that the caller is in.

    Raises:
        NotInGuild: they are in none.
    """
    if caller.guild_id is None:
        raise NotInGuild
    return caller.guild_id


def _require(caller: RequestContext, channel_id: int, rights_in: RightsIn) -> None:
    if _RIGHT not in rights_in(channel_id):
        raise MissingPermission(_RIGHT, where="here" if channel_id == caller.channel_id else f"in <#{channel_id}>")
