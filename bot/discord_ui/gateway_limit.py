"""A limit for the commands that the bot sends over a gateway connection, in place of discord.py's.

discord.py 2.7.1 counts by the wall clock and in fixed windows: a clock that is set back by an hour stops every command
of a shard for that hour, and two windows side by side let through more than Discord takes.
"""

import asyncio
import logging
from collections import deque
from typing import Any, Final

from discord import gateway

from bot.clock import Clock

MOST: Final = 110
"""Commands in any minute on one connection; Discord takes 120, and heartbeats, which never wait, are counted in."""

WITHIN_S: Final = 60.0

log = logging.getLogger(__name__)


class CommandLimit:
    """Lets through at most so many commands in any minute, in the order in which they came.

    It has the methods of discord.py's own that discord.py calls.
    """

    def __init__(self, clock: Clock) -> None:
        self.shard_id: int | None = None
        """Set by discord.py."""
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=MOST)
        self._turn = asyncio.Lock()

    def is_ratelimited(self) -> bool:
        """Return whether the next command would wait."""
        return self._wait_s() > 0

    async def block(self) -> None:
        """Wait until one more command may be sent, and count it."""
        async with self._turn:
            while (wait_s := self._wait_s()) > 0:
                log.warning("gateway commands wait", extra={"shard": self.shard_id, "wait_s": round(wait_s, 1)})
                await self._clock.sleep(wait_s)
            self._sent.append(self._clock.monotonic())

    def _wait_s(self) -> float:
        if len(self._sent) < MOST:
            return 0.0
        return self._sent[0] + WITHIN_S - self._clock.monotonic()


def limit_commands(clock: Clock) -> None:
    """Have discord.py use `CommandLimit` for every gateway connection that it makes from now on."""

    def made(*_: Any) -> CommandLimit:  # Any: discord.py's own takes figures, and gives none
        return CommandLimit(clock)

    # discord.py makes its limiter itself, deep inside; there is no public way to give it another.
    gateway.GatewayRatelimiter = made  # type: ignore[assignment, misc]
