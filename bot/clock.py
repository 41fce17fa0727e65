"""Time as a thing that is passed in, so that a test of ten minutes takes none.

Three times are told apart. Durations come from a monotonic clock. The calendar (days of quotas, dates that people see)
comes from the wall clock, which may be wrong and may be set. What is kept for a certain time is dated by Discord's
clock, which its answers tell, so that a wall clock that is wrong for a while makes nothing old before its time.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

AGREES_WITHIN: Final = timedelta(minutes=10)
"""How far the wall clock may be from Discord's while things are deleted by age."""


_DISCORD_BEGAN: Final = datetime(2015, 1, 1, tzinfo=UTC)
"""Before it there is no id, and no true `Date` either."""

_LATE: Final = timedelta(seconds=3)
"""How old what an answer tells may be when it comes, by its whole seconds and its way here."""


class Clock(Protocol):
    """What the bot asks of time."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back and is never set; for durations. Time asleep counts."""
        ...

    def now(self) -> datetime:
        """The present moment in UTC by the wall clock; for calendars."""
        ...

    def learn_discord_time(self, date: str | None) -> None:
        """Take in the `Date` header of an answer from Discord; one that cannot be read is passed over."""
        ...

    def discord_now(self) -> datetime:
        """The present moment by Discord's clock, or by the wall clock until Discord has answered; for records."""
        ...

    def agrees_with_discord(self) -> bool:
        """Return whether the wall clock agrees with Discord's; False until Discord has answered."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class DiscordTime(ABC):
    """What Discord's clock says, carried on from its last answer by the monotonic clock."""

    _told: tuple[datetime, float] | None = None
    """What Discord said and when, in monotonic seconds."""

    @abstractmethod
    def monotonic(self) -> float:
        """See `Clock`."""

    @abstractmethod
    def now(self) -> datetime:
        """See `Clock`."""

    def learn_discord_time(self, date: str | None) -> None:
        """Take in the `Date` header of an answer from Discord; one that cannot be read is passed over."""
        moment = None if date is None else http_date(date)
        if moment is None or moment < _DISCORD_BEGAN:
            return
        now = self.monotonic()
        # Each answer tells a moment that is past already, and by whole seconds: the latest one that any has told for
        # now is the nearest. So this clock does not go back either, unless Discord's did.
        if self._told is None or not timedelta() <= self.discord_now() - moment <= _LATE:
            self._told = (moment, now)

    def discord_now(self) -> datetime:
        """The present moment by Discord's clock, or by the wall clock until Discord has answered."""
        if self._told is None:
            return self.now()
        moment, learned_at = self._told
        try:
            return moment + timedelta(seconds=self.monotonic() - learned_at)
        except OverflowError:
            return moment

    def agrees_with_discord(self) -> bool:
        """Return whether the wall clock agrees with Discord's; False until Discord has answered."""
        return self._told is not None and abs(self.now() - self.discord_now()) <= AGREES_WITHIN


class SystemClock(DiscordTime):
    """The clock the bot runs on."""

    # Linux's monotonic clock stands still while the machine is asleep; this one does not, and is never set either.
    _CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back and is never set; time asleep counts where the system tells it."""
        return time.monotonic() if self._CLOCK is None else time.clock_gettime(self._CLOCK)

    def now(self) -> datetime:
        """The present moment in UTC by the wall clock."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        await asyncio.sleep(seconds)


def http_date(text: str) -> datetime | None:
    """Read a date as HTTP headers have it (RFC 9110, 5.6.7), in UTC; None where no calendar has such a day."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_ms(moment: datetime) -> int:
    """Milliseconds since 1970 in UTC: how the store keeps times."""
    return round(moment.timestamp() * 1000)
