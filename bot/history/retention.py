"""How long data is kept: turns for as many days as the operator says; what is too old is deleted each day."""

import logging
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from bot.clock import Clock, unix_ms
from bot.history.guild_cleanup import GuildCleanup
from bot.store.turn_deletion import TurnDeletion
from bot.tasks import background_loop

SWEEP_INTERVAL_S: Final = 24 * 3600
RETRY_S: Final = 3600

CLOCK_CHECK_INTERVAL_S: Final = 1
CLOCK_WARNING_AFTER_S: Final = 60
"""By then Discord has answered, if it can be reached."""

ERASURE_RETENTION: Final = timedelta(days=1)
"""How long it is known, by a keyed hash, that a member had their data deleted: no answer takes as long."""

AUDIT_LOG_RETENTION: Final = timedelta(days=90)
"""How long it is known who changed a setting from what to what."""

logger = logging.getLogger(__name__)


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
