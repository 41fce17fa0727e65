"""Time as a thing that is passed in, so that a test of ten minutes takes none.

There are three times. Durations come from a monotonic clock. The calendar (days of quotas, dates that people see)
comes from the wall clock, which can be wrong and can be set. What is kept for a certain time is dated by Discord's
clock, known from its responses, so that a wall clock that is wrong for a while makes nothing old before its time.
"""

import asyncio
import math
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

AGREES_WITHIN: Final = timedelta(minutes=10)
"""How far the wall clock can be from Discord's while data is deleted by age."""

_DISCORD_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
"""Discord's ids count from here (https://discord.com/developers/docs/reference#snowflakes): no `Date` is earlier."""

_MAX_RESPONSE_AGE: Final = timedelta(seconds=3)
"""How old a response's `Date` can be when it arrives, by its whole seconds and the network."""


class Clock(Protocol):
    """What the bot asks of time; the wall between what uses time and `SystemClock`, for the tests."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back and is never set; for durations. Time asleep counts."""
        ...

    def now(self) -> datetime:
        """Return the present moment in UTC by the wall clock; for calendars."""
        ...

    def learn_discord_time(self, date: str | None) -> None:
        """Learn the time from the `Date` header of a response from Discord; an unreadable one is ignored."""
        ...

    def discord_now(self) -> datetime:
        """Return the moment by Discord's clock, or by the wall clock until Discord has answered, for records."""
        ...

    def agrees_with_discord(self) -> bool:
        """Return whether the wall clock agrees with Discord's; False until Discord has answered."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...


class DiscordTime(ABC):
    """Discord's clock, continued from its last response by the monotonic clock."""

    _learned: tuple[datetime, float] | None = None
    """A time of Discord's and when it was learned, in monotonic seconds."""

    @abstractmethod
    def monotonic(self) -> float:
        """See `Clock`."""

    @abstractmethod
    def now(self) -> datetime:
        """See `Clock`."""

    def learn_discord_time(self, date: str | None) -> None:
        """Learn the time from the `Date` header of a response from Discord; an unreadable one is ignored."""
        moment = None if date is None else parse_http_date(date)
        if moment is None or moment < _DISCORD_EPOCH:
            return
        now = self.monotonic()
        # Each `Date` is a moment in the past already, and in whole seconds: the latest of all is the nearest to now. So
        # this clock does not go back either, unless Discord's did.
        if self._learned is None or not timedelta() <= self.discord_now() - moment <= _MAX_RESPONSE_AGE:
            self._learned = (moment, now)

    def discord_now(self) -> datetime:
        """Return the present moment by Discord's clock, or by the wall clock until Discord has answered."""
        if self._learned is None:
            return self.now()
        moment, learned_at = self._learned
        try:
            return moment + timedelta(seconds=self.monotonic() - learned_at)
        except OverflowError:
            return moment

    def agrees_with_discord(self) -> bool:
        """Return whether the wall clock agrees with Discord's; False until Discord has answered."""
        return self._learned is not None and abs(self.now() - self.discord_now()) <= AGREES_WITHIN


class SystemClock(DiscordTime):
    """The clock the bot runs on."""

    # Linux's monotonic clock stops while the machine is asleep; this one does not, and is never set either.
    _CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back and is never set; time asleep counts where the system can."""
        return time.monotonic() if self._CLOCK is None else time.clock_gettime(self._CLOCK)

    def now(self) -> datetime:
        """Return the present moment in UTC by the wall clock."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        await asyncio.sleep(seconds)


def backoff_s(failures: int, first_s: float, max_s: float = math.inf) -> float:
    """Return how many seconds to wait after so many failures: `first_s` after one, twice as long after each further."""
    return min(max_s, first_s * 2.0 ** (failures - 1))


def parse_http_date(text: str) -> datetime | None:
    """Return a date of an HTTP header (RFC 9110, 5.6.7) in UTC; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_ms(moment: datetime) -> int:
    """Return milliseconds since 1970 in UTC: the store's form of times."""
    return round(moment.timestamp() * 1000)
