"""Where the bot serves, and whom."""

import pytest

from bot.errors import AccessDenied, UserRateLimited
from bot.guilds.admission import Admission
from bot.guilds.doors import Doors
from bot.quotas.pace import Pace, Rate
from tests.support.clock import FakeClock

ADA, EVE, HOME, AWAY = 1, 2, 7, 8


@pytest.mark.parametrize(
    ("doors", "user", "guild", "passes"),
    [
        (Doors(), ADA, HOME, True),
        (Doors(), ADA, None, True),
        (Doors(allowed_guilds={HOME}), ADA, HOME, True),
        (Doors(allowed_guilds={HOME}), ADA, AWAY, False),
        (Doors(allowed_guilds={HOME}), ADA, None, True),
        (Doors(allow_direct_messages=False), ADA, None, False),
        (Doors(allow_direct_messages=False), ADA, HOME, True),
        (Doors(blocked_users={EVE}), EVE, HOME, False),
        (Doors(blocked_users={EVE}), EVE, None, False),
        (Doors(blocked_users={EVE}), ADA, HOME, True),
    ],
)
def test_who_passes(doors: Doors, user: int, guild: int | None, passes: bool) -> None:
    if passes:
        doors.check(user, guild)
    else:
        with pytest.raises(AccessDenied):
            doors.check(user, guild)


def test_choices_are_not_counted_and_calls_are() -> None:
    admission = Admission(Doors(), Pace(Rate(1, 12), FakeClock()))
    for _ in range(20):
        admission.check(ADA, HOME)
    admission.check_call(ADA, HOME)
    with pytest.raises(UserRateLimited):
        admission.check_call(ADA, None)


def test_whoever_is_turned_away_is_not_counted() -> None:
    admission = Admission(Doors(allowed_guilds={HOME}), Pace(Rate(1, 12), FakeClock()))
    with pytest.raises(AccessDenied):
        admission.check_call(ADA, AWAY)
    admission.check_call(ADA, HOME)
