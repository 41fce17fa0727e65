"""More calls in a short time than the rate allows are a short break."""

from datetime import UTC, datetime

import pytest

from bot.errors import UserRateLimited
from bot.guilds.access import MemberRateLimiter, Rate
from bot.messages.render import render
from tests.support.clock import FakeClock

ADA, BEN = 1, 2


def make_requests(rate_limiter: MemberRateLimiter, count: int, member: int = ADA) -> None:
    for _ in range(count):
        rate_limiter.check_and_count(member)


async def test_as_many_as_the_rate_pass_and_one_more_is_a_break_with_its_end() -> None:
    clock = FakeClock()
    rate_limiter = MemberRateLimiter(Rate(10, 12), clock)
    make_requests(rate_limiter, 10)
    await clock.advance(2.5)
    with pytest.raises(UserRateLimited, match="too many calls") as caught:
        rate_limiter.check_and_count(ADA)
    assert caught.value.until == datetime(2026, 9, 1, 12, 0, 12, tzinfo=UTC)
    assert render(caught.value.message).endswith(f"You can go on <t:{int(caught.value.until.timestamp())}:R>.")
    make_requests(rate_limiter, 10, BEN)


async def test_the_end_is_a_whole_second_at_which_a_request_passes() -> None:
    clock = FakeClock()
    rate_limiter = MemberRateLimiter(Rate(2, 5), clock)
    await clock.advance(0.3)
    make_requests(rate_limiter, 2)
    with pytest.raises(UserRateLimited) as caught:
        rate_limiter.check_and_count(ADA)
    assert caught.value.until == datetime(2026, 9, 1, 12, 0, 6, tzinfo=UTC)
    await clock.advance(5.7)
    rate_limiter.check_and_count(ADA)


async def test_refused_calls_do_not_lengthen_the_break() -> None:
    clock = FakeClock()
    rate_limiter = MemberRateLimiter(Rate(3, 10), clock)
    make_requests(rate_limiter, 3)
    for _ in range(9):
        await clock.advance(1)
        with pytest.raises(UserRateLimited):
            rate_limiter.check_and_count(ADA)
    await clock.advance(1)
    make_requests(rate_limiter, 3)


async def test_a_steady_member_is_never_stopped() -> None:
    clock = FakeClock()
    rate_limiter = MemberRateLimiter(Rate(10, 12), clock)
    for _ in range(100):
        rate_limiter.check_and_count(ADA)
        await clock.advance(1.25)
    assert rate_limiter.members == 1


async def test_members_are_forgotten_once_they_do_not_matter() -> None:
    clock = FakeClock()
    rate_limiter = MemberRateLimiter(Rate(10, 12), clock)
    for member in range(1000):
        rate_limiter.check_and_count(member)
    await clock.advance(12)
    rate_limiter.check_and_count(ADA)
    assert rate_limiter.members == 1


def test_off_lets_everything_pass() -> None:
    rate_limiter = MemberRateLimiter(None, FakeClock())
    make_requests(rate_limiter, 1000)
    assert rate_limiter.members == 0
