"""What belongs to guilds that removed the bot: kept for a week, then deleted.

Only the gateway says which guilds the bot is in, and of this process's shards alone; until then no guild's data is
deleted.
"""

import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.store.left_guilds import LeftGuilds

LEFT_GUILD_RETENTION: Final = timedelta(days=7)
"""How long all that belongs to a guild is kept after it removed the bot."""

logger = logging.getLogger(__name__)


class GuildCleanup:
    """Deletes the data of guilds that removed the bot, unless they add it again in time.

    What the store cannot record at the moment is found out by the next comparison.
    """

    def __init__(self, left_guilds: LeftGuilds, clock: Clock) -> None:
        self._left_guilds = left_guilds
        self._clock = clock
        self._absent: set[int] = set()

    async def record_leave(self, guild_id: int) -> None:
        """Record that the bot was removed from a guild; not for one that is merely unavailable."""
        self._absent.add(guild_id)
        logger.info("guild left", extra={"guild": guild_id})
        try:
            await self._left_guilds.record([guild_id], unix_ms(self._clock.discord_now()))
        except StoreUnavailable as error:
            logger.warning("left guild not recorded", extra={"guild": guild_id, "detail": str(error)})

    async def record_join(self, guild_id: int) -> None:
        """Record that the bot is in a guild."""
        self._absent.discard(guild_id)
        logger.info("guild joined", extra={"guild": guild_id})
        try:
            await self._left_guilds.clear([guild_id])
        except StoreUnavailable as error:
            logger.warning("joined guild not recorded", extra={"guild": guild_id, "detail": str(error)})

    async def record_available(self, guild_id: int) -> None:
        """Do as `record_join` does for a guild that was absent; for any other it is nothing new."""
        if guild_id in self._absent:
            await self.record_join(guild_id)

    async def compare(self, present: Collection[int], is_ours: Callable[[int], bool]) -> None:
        """Compare the guilds of which anything is kept with those that the bot is in, then delete what is due.

        Args:
            present: the guilds that the bot is in, unavailable ones included.
            is_ours: returns whether a guild belongs to this process's shards.
        """
        now_ms = unix_ms(self._clock.discord_now())
        try:
            recorded = set(await self._left_guilds.list_due(now_ms))
            known = recorded | await self._left_guilds.list_known_guilds()
            self._absent = {guild_id for guild_id in known if is_ours(guild_id)}.difference(present)
            await self._left_guilds.clear(sorted(recorded.intersection(present)))
            await self._left_guilds.record(sorted(self._absent - recorded), now_ms)
            logger.info("guilds compared", extra={"present": len(present), "absent": len(self._absent)})
            await self.delete_due()
        except StoreUnavailable as error:
            logger.warning("guilds not compared", extra={"detail": str(error)})

    async def delete_due(self) -> None:
        """Delete all that is kept of guilds that have been absent long enough; nothing while the clock is wrong.

        Raises:
            StoreUnavailable: the store cannot be used at the moment; a part may be deleted.
        """
        if not self._clock.agrees_with_discord():
            return
        left_before_ms = unix_ms(self._clock.discord_now() - LEFT_GUILD_RETENTION)
        for guild_id in await self._left_guilds.list_due(left_before_ms):
            if guild_id in self._absent:
                rows = await self._left_guilds.purge(guild_id, noticed_before_ms=left_before_ms)
                logger.info("guild data deleted", extra={"guild": guild_id, "rows": rows})
