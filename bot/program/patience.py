"""How often and how long the start tries to reach Discord."""

import random
from collections.abc import Callable
from typing import Final

from bot.clock import Clock

LONGEST_PAUSE_S: Final = 60.0
GIVE_UP_AFTER_S: Final = 600.0


class Patience:
    """Pauses of 1, 2, 4 … 60 seconds, each shortened by chance by up to a quarter, for ten minutes in all.

    Many bots that lose the same network should not come back in step, hence the chance.
    """

    def __init__(self, clock: Clock, *, chance: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._chance = chance
        self._until = clock.monotonic() + GIVE_UP_AFTER_S
        self._next_s = 1.0

    def pause(self) -> float | None:
        """Return the seconds to wait before the next attempt, or None when it is time to give up."""
        if self._clock.monotonic() >= self._until:
            return None
        seconds = self._next_s * (1 - self._chance() / 4)
        self._next_s = min(LONGEST_PAUSE_S, self._next_s * 2)
        return seconds
