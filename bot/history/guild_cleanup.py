"""Which servers the bot is in: all that is kept of one that removed it is purged in time, unless it comes back.

Only the gateway tells, and of this process's shards alone; so nothing is purged before it has told.
"""

import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.store.left_guilds import LeftGuilds

KEPT: Final = timedelta(days=7)
"""How long all that belongs to a server is kept after it removed the bot."""

log = logging.getLogger(__name__)


class GuildCleanup:
    """Keeps note of departures. What the store cannot take just now is found out by the next comparison."""

    def __init__(self, departures: LeftGuilds, clock: Clock) -> None:
        self._departures = departures
        self._clock = clock
        self._absent: set[int] = set()

    async def left(self, guild_id: int) -> None:
        """Note that the bot was removed from a server; not for one that is merely unavailable."""
        self._absent.add(guild_id)
        log.info("server left", extra={"guild": guild_id})
        try:
            await self._departures.note([guild_id], unix_ms(self._clock.discord_now()))
        except StoreUnavailable as error:
            log.warning("departure not noted", extra={"guild": guild_id, "detail": str(error)})

    async def joined(self, guild_id: int) -> None:
        """Note that the bot is in a server."""
        self._absent.discard(guild_id)
        log.info("server joined", extra={"guild": guild_id})
        try:
            await self._departures.clear([guild_id])
        except StoreUnavailable as error:
            log.warning("departure not cleared", extra={"guild": guild_id, "detail": str(error)})

    async def available(self, guild_id: int) -> None:
        """Do as `joined` does for a server that was missed; for any other it is nothing new."""
        if guild_id in self._absent:
            await self.joined(guild_id)

    async def compare(self, present: Collection[int], ours: Callable[[int], bool]) -> None:
        """Compare the servers of which anything is kept with those that the bot is in, unavailable ones included.

        Then purge what is due. `ours` tells whether a server belongs to this process's shards.
        """
        now_ms = unix_ms(self._clock.discord_now())
        try:
            noted = set(await self._departures.due(now_ms))
            self._absent = {each for each in noted | await self._departures.known() if ours(each)}.difference(present)
            await self._departures.clear(sorted(noted.intersection(present)))
            await self._departures.note(sorted(self._absent - noted), now_ms)
            log.info("servers compared", extra={"present": len(present), "absent": len(self._absent)})
            await self.purge()
        except StoreUnavailable as error:
            log.warning("servers not compared", extra={"detail": str(error)})

    async def purge(self) -> None:
        """Take away all that is kept of servers that have been absent long enough; nothing while the clock is wrong.

        Raises:
            StoreUnavailable: the store cannot be used just now; a part may be gone.
        """
        if not self._clock.agrees_with_discord():
            return
        noted_before_ms = unix_ms(self._clock.discord_now() - KEPT)
        for guild_id in await self._departures.due(noted_before_ms):
            if guild_id in self._absent:
                rows = await self._departures.purge(guild_id, noted_before_ms=noted_before_ms)
                log.info("server purged", extra={"guild": guild_id, "rows": rows})
