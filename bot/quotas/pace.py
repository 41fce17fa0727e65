"""How many calls one member may make in how short a time. Kept in memory: a restart forgives."""

import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.errors import UserRateLimited


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in any `seconds` seconds."""

    calls: int
    seconds: int


class Pace:
    """Counts each member's calls; what is refused doesn't count. Without a `rate` everything passes."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        # Who called last is last, so that those who can be forgotten are the first.
        self._calls: OrderedDict[int, deque[float]] = OrderedDict()

    def call(self, member_id: int) -> None:
        """Count a call of that member's.

        Raises:
            UserRateLimited: it is more than the rate allows; its sentence says when the next one passes.
        """
        if self._rate is None:
            return
        now = self._clock.monotonic()
        self._forget(now - self._rate.seconds)
        calls = self._calls.setdefault(member_id, deque(maxlen=self._rate.calls))
        if len(calls) == self._rate.calls and (left := calls[0] + self._rate.seconds - now) > 0:
            raise UserRateLimited(until=_whole_second(self._clock.discord_now() + timedelta(seconds=left)))
        calls.append(now)
        self._calls.move_to_end(member_id)

    @property
    def members(self) -> int:
        """How many members are remembered."""
        return len(self._calls)

    def _forget(self, before: float) -> None:
        """Forget whose last call is too long ago to matter."""
        while self._calls:
            member_id, calls = next(iter(self._calls.items()))
            if calls and calls[-1] > before:
                return
            del self._calls[member_id]


def _whole_second(moment: datetime) -> datetime:
    """Round up: Discord shows whole seconds, and at that one a call has to pass."""
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)
