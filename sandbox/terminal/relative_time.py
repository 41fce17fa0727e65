"""Discord's timestamps (`<t:…>`), formatted as its clients do."""

import re
from datetime import UTC, datetime

_TIMESTAMP = re.compile(r"<t:(-?\d{1,13})(?::([tTdDfFR]))?>")
_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_FORMATS = {
    "t": "%H:%M",
    "T": "%H:%M:%S",
    "d": "%d/%m/%Y",
    "D": "%d %B %Y",
    "f": "%d %B %Y %H:%M",
    "F": "%A, %d %B %Y %H:%M",
}


def format_timestamps(text: str, now: float) -> str:
    """Return a text with its timestamps as members see them at `now` (seconds since 1970); dates are in UTC."""

    def format_one(match: re.Match[str]) -> str:
        seconds, style = int(match[1]), match[2] or "f"
        if style == "R":
            return format_relative(seconds - now)
        try:
            return datetime.fromtimestamp(seconds, UTC).strftime(_FORMATS[style])
        except (OverflowError, OSError, ValueError):
            return match[0]

    return _TIMESTAMP.sub(format_one, text)


def format_relative(seconds: float) -> str:
    """Return how far away a time is: `in 3 hours`, `2 days ago`."""
    distance = abs(round(seconds))
    unit, length = next((entry for entry in _UNITS if distance >= entry[1]), _UNITS[-1])
    count = round(distance / length)
    words = f"{'a' if unit != 'hour' else 'an'} {unit}" if count == 1 else f"{count} {unit}s"
    return f"in {words}" if seconds >= 0 else f"{words} ago"
