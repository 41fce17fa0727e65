"""Where the bot serves, and whom."""

import pytest

from bot.errors import AccessDenied, UserRateLimited
from bot.guilds.access import AccessPolicy, AllowLists, MemberRateLimiter, Rate
from tests.support.clock import FakeClock

ADA, EVE, HOME, AWAY = 1, 2, 7, 8


@pytest.mark.parametrize(
    ("doors", "user", "guild", "passes"),
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
def test_who_passes(doors: AllowLists, user: int, guild: int | None, passes: bool) -> None:
    if passes:
        doors.check(user, guild)
    else:
        with pytest.raises(AccessDenied):
            doors.check(user, guild)


def test_choices_are_not_counted_and_calls_are() -> None:
    admission = AccessPolicy(AllowLists(), MemberRateLimiter(Rate(1, 12), FakeClock()))
    for _ in range(20):
        admission.check(ADA, HOME)
    admission.check_call(ADA, HOME)
    with pytest.raises(UserRateLimited):
        admission.check_call(ADA, None)


def test_whoever_is_turned_away_is_not_counted() -> None:
    admission = AccessPolicy(AllowLists(allowed_guilds={HOME}), MemberRateLimiter(Rate(1, 12), FakeClock()))
    with pytest.raises(AccessDenied):
        admission.check_call(ADA, AWAY)
    admission.check_call(ADA, HOME)
