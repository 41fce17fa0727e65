"""Dates as others write them, and pauses that grow."""

from datetime import UTC, datetime

import pytest

from bot.clock import backoff_s, parse_http_date


@pytest.mark.parametrize(
    "text",
    ["Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 09:28:00 +0200", "21 Oct 2026 07:28:00 -0000"],
)
def test_a_date_is_read_in_utc(text: str) -> None:
    assert parse_http_date(text) == datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:00 +99999999999999",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "99999999999999999999 Feb 07:28:00 31",
        "Wed, 21 Oct " + "9" * 5000 + " 07:28:00 GMT",
    ],
    ids=lambda text: text[:24],
)
def test_what_no_calendar_has_is_no_date(text: str) -> None:
    assert parse_http_date(text) is None


def test_a_pause_doubles_with_each_failure_up_to_a_limit() -> None:
    assert [backoff_s(failures, 0.5, 3) for failures in range(1, 6)] == [0.5, 1, 2, 3, 3]
