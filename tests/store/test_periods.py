from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.quota_limits import Period


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        (Period.HOUR, datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.DAY, datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.MONTH, datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_windows_follow_the_calendar(per: Period, start: datetime, end: datetime) -> None:
    moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert (per.start(moment), per.end(moment)) == (start, end)
    assert per.start(end) == end


def test_february_has_its_own_length() -> None:
    assert Period.MONTH.end(datetime(2028, 1, 31, tzinfo=UTC)) == datetime(2028, 2, 1, tzinfo=UTC)
    assert Period.MONTH.end(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2028, 3, 1, tzinfo=UTC)


def test_the_day_is_that_of_utc_wherever_the_moment_was_noted() -> None:
    in_tokyo = datetime(2026, 9, 2, 3, 0, tzinfo=timezone(timedelta(hours=9)))
    assert Period.DAY.start(in_tokyo) == datetime(2026, 9, 1, tzinfo=UTC)


@given(st.sampled_from(Period), st.integers(1_400_000_000_000, 4_100_000_000_000))
def test_every_moment_lies_in_one_window_and_windows_meet(per: Period, unix_ms: int) -> None:
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    start, end = per.start(moment), per.end(moment)
    assert start <= moment < end
    assert per.start(end) == end
    assert per.end(start) == end
