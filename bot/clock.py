"""Time as a thing that is passed in, so that a test of ten minutes takes none."""

import asyncio
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol


class Clock(Protocol):
    """What the bot asks of time."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; for durations."""
        ...

    def now(self) -> datetime:
        """The present moment in UTC; for calendars and records."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    """The clock the bot runs on."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def now(self) -> datetime:
        """The present moment in UTC."""
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
