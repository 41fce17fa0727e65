"""How long data is kept: turns for as many days as the operator says, a guild's for a week after it removed the bot.

Only the gateway says which guilds the bot is in, and of this process's shards alone; until then no guild's data is
deleted.
"""

import logging
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.store.left_guilds import LeftGuilds
from bot.store.turn_deletion import TurnDeletion
from bot.tasks import background_loop

SWEEP_INTERVAL_S: Final = 24 * 3600
RETRY_S: Final = 3600

CLOCK_CHECK_INTERVAL_S: Final = 1
CLOCK_WARNING_AFTER_S: Final = 60
"""By then Discord has answered, if it can be reached."""

LEFT_GUILD_RETENTION: Final = timedelta(days=7)
"""How long all that belongs to a guild is kept after it removed the bot."""

ERASURE_RETENTION: Final = timedelta(days=1)
"""How long it is known, by a keyed hash, that a member had their data deleted: no answer takes as long."""

AUDIT_LOG_RETENTION: Final = timedelta(days=90)
"""How long it is known who changed a setting from what to what."""

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


class Retention:
    """Deletes once a day what has been kept long enough. `days` is how long turns are kept."""

    def __init__(self, turn_deletion: TurnDeletion, guild_cleanup: GuildCleanup, clock: Clock, *, days: int) -> None:
        self._turn_deletion = turn_deletion
        self._guild_cleanup = guild_cleanup
        self._clock = clock
        self._turn_retention = timedelta(days=days)

    async def sweep(self) -> None:
        """Delete, in small batches, what has been kept long enough.

        Only to be called while the clock agrees with Discord's.

        Raises:
            StoreUnavailable: the store cannot be used at the moment; a part may be deleted.
        """
        now = self._clock.discord_now()
        turns = await self._turn_deletion.delete_older_than(unix_ms(now - self._turn_retention))
        await self._turn_deletion.delete_audit_log_before(unix_ms(now - AUDIT_LOG_RETENTION))
        await self._turn_deletion.purge_erasure_markers(unix_ms(now - ERASURE_RETENTION))
        logger.info("retention sweep done", extra={"turns": turns})
        await self._guild_cleanup.delete_due()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Sweep as soon as the clock is known to be right and every day for as long as the block runs."""
        return background_loop(
            self._sweep_when_clock_is_right,
            SWEEP_INTERVAL_S,
            self._clock,
            name="retention sweep",
            retry_s=RETRY_S,
            at_once=True,
        )

    async def _sweep_when_clock_is_right(self) -> None:
        await self._wait_for_right_clock()
        await self.sweep()

    async def _wait_for_right_clock(self) -> None:
        """Wait until Discord has sent the time and the wall clock agrees: what a wrong one deletes is lost."""
        waited_s = 0
        while not self._clock.agrees_with_discord():
            if waited_s == CLOCK_WARNING_AFTER_S:
                off_s = round((self._clock.now() - self._clock.discord_now()).total_seconds())
                logger.warning(
                    "nothing is deleted by age before the clock agrees with Discord's", extra={"off_s": off_s}
                )
            await self._clock.sleep(CLOCK_CHECK_INTERVAL_S)
            waited_s += CLOCK_CHECK_INTERVAL_S
