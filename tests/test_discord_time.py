"""Three times that are told apart: durations, the calendar, and what Discord's clock says."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import AGREES_WITHIN, SystemClock
from tests.support.clock import FakeClock

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


async def test_until_discord_has_answered_the_wall_clock_counts_and_is_not_trusted() -> None:
    clock = FakeClock(NOON, synchronized=False)
    assert clock.discord_now() == NOON
    assert not clock.agrees_with_discord()
    clock.synchronize()
    assert clock.agrees_with_discord()


async def test_discords_time_goes_on_by_itself_whatever_the_wall_clock_is_set_to() -> None:
    clock = FakeClock(NOON)
    clock.step(timedelta(days=400))
    await clock.advance(3600)
    assert clock.discord_now() == NOON + timedelta(hours=1)
    assert clock.now() == NOON + timedelta(days=400, hours=1)


@pytest.mark.parametrize("way", [1, -1])
async def test_ten_minutes_of_difference_are_agreement_and_more_is_none(way: int) -> None:
    clock = FakeClock(NOON)
    clock.step(way * AGREES_WITHIN)
    assert clock.agrees_with_discord()
    clock.step(way * timedelta(seconds=1))
    assert not clock.agrees_with_discord()
    clock.step(-way * timedelta(seconds=1))
    assert clock.agrees_with_discord()


async def test_whole_seconds_and_slow_answers_never_set_discords_time_back() -> None:
    clock = FakeClock(NOON)
    await clock.advance(0.9)
    clock.learn_discord_time("Tue, 01 Sep 2026 12:00:00 GMT")
    assert clock.discord_now() == NOON + timedelta(seconds=0.9)
    await clock.advance(2)
    clock.learn_discord_time("Tue, 01 Sep 2026 12:00:01 GMT")
    assert clock.discord_now() == NOON + timedelta(seconds=2.9)
    clock.learn_discord_time("Tue, 01 Sep 2026 11:00:00 GMT")
    assert clock.discord_now() == NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "soon",
        "Tue, 01 Sep 2026",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Tue, 01 Sep 0000 12:00:00 GMT",
        "Tue, 41 Sep 2026 12:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
async def test_a_date_that_cannot_be_read_is_passed_over(date: str | None) -> None:
    clock = FakeClock(NOON)
    clock.learn_discord_time(date)
    assert clock.discord_now() == NOON


async def test_a_date_at_the_end_of_time_breaks_nothing() -> None:
    clock = FakeClock(NOON)
    clock.learn_discord_time("Fri, 31 Dec 9999 23:59:59 GMT")
    await clock.advance(3600)
    assert not clock.agrees_with_discord()
    assert clock.discord_now().year == 9999


async def test_another_zone_is_the_same_moment() -> None:
    clock = FakeClock(NOON, synchronized=False)
    clock.learn_discord_time("Tue, 01 Sep 2026 14:00:00 +0200")
    assert clock.discord_now() == NOON
    assert clock.discord_now().tzinfo is UTC


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has a clock that counts time asleep")
def test_durations_count_the_time_that_the_machine_sleeps() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= SystemClock().monotonic() <= time.clock_gettime(time.CLOCK_BOOTTIME)
