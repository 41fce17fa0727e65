"""Discord's ids: the millisecond since 2015 in the upper bits, a counter below."""

from collections.abc import Callable
from datetime import UTC, datetime

EPOCH_MS = 1_420_070_400_000  # the first second of 2015, https://discord.com/developers/docs/reference#snowflakes

Now = Callable[[], float]
"""Returns the current time in seconds since 1970."""


class Snowflakes:
    """Generates unique, increasing ids."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._last = 0

    def next(self) -> int:
        """Return a new id with the current time."""
        candidate = (round(self._now() * 1000) - EPOCH_MS) << 22
        self._last = max(candidate, self._last + 1)
        return self._last


def get_created_at(snowflake: int) -> datetime:
    """Return the creation time in an id."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH_MS) / 1000, UTC)


def format_timestamp(seconds: float) -> str:
    """Return a time (seconds since 1970) in Discord's format."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
