"""The calendar by which use is counted: hours, days and months, in UTC."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Per(StrEnum):
    """The stretch of time that a limit is for."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


def window_start(per: Per, moment: datetime) -> datetime:
    """Tell when the hour, day or month of `moment` (any time zone) began, in UTC."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    match per:
        case Per.HOUR:
            return hour
        case Per.DAY:
            return hour.replace(hour=0)
        case Per.MONTH:
            return hour.replace(day=1, hour=0)


def window_end(per: Per, moment: datetime) -> datetime:
    """Tell when the next hour, day or month after `moment` begins, in UTC."""
    start = window_start(per, moment)
    match per:
        case Per.HOUR:
            return start + timedelta(hours=1)
        case Per.DAY:
            return start + timedelta(days=1)
        case Per.MONTH:
            return (start + timedelta(days=31)).replace(day=1)  # no month is longer, and two are never skipped
