"""Where the bot serves, and whom."""

import pytest

from bot.errors import AccessDenied, UserRateLimited
from bot.guilds.access import AccessPolicy, AllowLists, MemberRateLimiter, Rate
from tests.support.clock import FakeClock

ADA, EVE, HOME, AWAY = 1, 2, 7, 8


@pytest.mark.parametrize(
    ("allow_lists", "user", "guild", "passes"),
    [
        (AllowLists(), ADA, HOME, True),
        (AllowLists(), ADA, None, True),
        (AllowLists(allowed_guilds={HOME}), ADA, HOME, True),
        (AllowLists(allowed_guilds={HOME}), ADA, AWAY, False),
        (AllowLists(allowed_guilds={HOME}), ADA, None, True),
        (AllowLists(allow_direct_messages=False), ADA, None, False),
        (AllowLists(allow_direct_messages=False), ADA, HOME, True),
        (AllowLists(blocked_users={EVE}), EVE, HOME, False),
        (AllowLists(blocked_users={EVE}), EVE, None, False),
        (AllowLists(blocked_users={EVE}), ADA, HOME, True),
    ],
)
def test_who_passes(allow_lists: AllowLists, user: int, guild: int | None, passes: bool) -> None:
    if passes:
        allow_lists.check(user, guild)
    else:
        with pytest.raises(AccessDenied):
            allow_lists.check(user, guild)


def test_choices_are_not_counted_and_calls_are() -> None:
    access_policy = AccessPolicy(AllowLists(), MemberRateLimiter(Rate(1, 12), FakeClock()))
    for _ in range(20):
        access_policy.check(ADA, HOME)
    access_policy.check_request(ADA, HOME)
    with pytest.raises(UserRateLimited):
        access_policy.check_request(ADA, None)


def test_whoever_is_turned_away_is_not_counted() -> None:
    access_policy = AccessPolicy(AllowLists(allowed_guilds={HOME}), MemberRateLimiter(Rate(1, 12), FakeClock()))
    with pytest.raises(AccessDenied):
        access_policy.check_request(ADA, AWAY)
    access_policy.check_request(ADA, HOME)
