"""How long turns are kept: for as many days as the operator says. Left servers are purged on the same round."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.history.guild_cleanup import GuildCleanup
from bot.store.turn_deletion import TurnDeletion

EVERY_S: Final = 24 * 3600
RETRY_S: Final = 3600

LOOK_EVERY_S: Final = 1
WARN_AFTER_S: Final = 60
"""By then Discord has answered, if it can be reached."""

FORGOTTEN_FOR: Final = timedelta(days=1)
"""How long it is known, under a code, that a member had their data deleted: no answer takes as long."""

CHANGES_KEPT: Final = timedelta(days=90)
"""How long it is known who changed a setting from what to what."""

log = logging.getLogger(__name__)


class Retention:
    """Sweeps once a day. `days` is how long turns are kept."""

    def __init__(self, removals: TurnDeletion, servers: GuildCleanup, clock: Clock, *, days: int) -> None:
        self._removals = removals
        self._servers = servers
        self._clock = clock
        self._kept = timedelta(days=days)

    async def sweep(self) -> None:
        """Delete, in small batches, what has been kept long enough.

        Only to be called while the clock agrees with Discord's.

        Raises:
            StoreUnavailable: the store cannot be used just now; a part may be deleted.
        """
        now = self._clock.discord_now()
        turns = await self._removals.older_than(unix_ms(now - self._kept))
        await self._removals.changes_before(unix_ms(now - CHANGES_KEPT))
        await self._removals.let_go_of_members(unix_ms(now - FORGOTTEN_FOR))
        log.info("swept", extra={"turns": turns})
        await self._servers.purge()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep as soon as the clock is known to be right and every day for as long as the block runs."""
        sweeping = asyncio.create_task(self._sweep_daily(), name="sweep")
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.wait({sweeping})

    async def _sweep_daily(self) -> None:
        while True:
            await self._until_the_clock_is_right()
            pause = EVERY_S
            try:
                await self.sweep()
            except StoreUnavailable as error:
                log.warning("sweep put off", extra={"detail": str(error)})
                pause = RETRY_S
            except Exception:
                # Without the sweep everything would be kept for ever: whatever went wrong, go on.
                log.exception("sweep failed")
                pause = RETRY_S
            await self._clock.sleep(pause)

    async def _until_the_clock_is_right(self) -> None:
        """Wait until Discord has told the time and the wall clock agrees: what a wrong one deletes is gone for good."""
        waited = 0
        while not self._clock.agrees_with_discord():
            if waited == WARN_AFTER_S:
                off_s = round((self._clock.now() - self._clock.discord_now()).total_seconds())
                log.warning("nothing is deleted by age before the clock agrees with Discord's", extra={"off_s": off_s})
            await self._clock.sleep(LOOK_EVERY_S)
            waited += LOOK_EVERY_S
