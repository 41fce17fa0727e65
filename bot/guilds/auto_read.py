"""Which text channel of a server is read aloud in the bot's voice channel."""

import logging
from collections.abc import Collection

from bot.caller import Caller, Right
from bot.clock import Clock, unix_ms
from bot.errors import MissingRight, OutsideServer
from bot.guilds.fields import READ_CHANNEL
from bot.store.settings import StoredSettings

log = logging.getLogger(__name__)


class AutoRead:
    """One channel a server, none at first. Every method may raise StoreUnavailable, and has changed nothing then."""

    def __init__(self, stored: StoredSettings, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock

    async def get(self, guild_id: int) -> int | None:
        """Give the channel that is read aloud, if one is. Read anew each time: any process may have changed it."""
        channel_id = await self._stored.of_server(guild_id, READ_CHANNEL.name)
        return None if channel_id is None else int(channel_id)

    async def set(self, caller: Caller, channel_id: int, rights_there: Collection[Right]) -> None:
        """Have a channel read aloud, in place of another one.

        Args:
            caller: who asks, with their rights where they ask.
            channel_id: the channel.
            rights_there: their rights in that channel: who hears it need not see it, so that it takes somebody who
                decides about it.

        Raises:
            MissingRight, OutsideServer: the caller may not.
        """
        guild_id = _admit(caller)
        if Right.MANAGE_CHANNELS not in rights_there:
            raise MissingRight(Right.MANAGE_CHANNELS)
        at_ms = unix_ms(self._clock.discord_now())
        await self._stored.set_server(guild_id, READ_CHANNEL.name, str(channel_id), by=caller.user_id, at_ms=at_ms)
        log.info("channel read aloud", extra={"guild": guild_id, "channel": channel_id, "user": caller.user_id})

    async def clear(self, caller: Caller) -> bool:
        """Have no channel read aloud; whether one was.

        Raises:
            MissingRight, OutsideServer: the caller may not.
        """
        guild_id = _admit(caller)
        at_ms = unix_ms(self._clock.discord_now())
        cleared = await self._stored.clear_server(guild_id, [READ_CHANNEL.name], by=caller.user_id, at_ms=at_ms)
        if cleared:
            log.info("channel no longer read aloud", extra={"guild": guild_id, "user": caller.user_id})
        return bool(cleared)


def _admit(caller: Caller) -> int:
    """Return the id of the server that the caller is in, where they may decide about its channels."""
    if caller.guild_id is None:
        raise OutsideServer
    caller.require(Right.MANAGE_CHANNELS)
    return caller.guild_id
