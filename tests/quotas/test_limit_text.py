from datetime import UTC, datetime

import pytest

from bot.quotas.limit_text import format_refusal, format_stop
from bot.quotas.limits import Kind, Limit, Period, Scope
from bot.quotas.resolver import ApplicableLimit, UsageScope
from tests.support.quotas import GUILD

MIDNIGHT = datetime(2026, 9, 2, tzinfo=UTC)
AGAIN = "it starts again <t:1788307200:R>"
ROLE = 801


def applicable(
    pool: UsageScope, kind: Kind, per: Period, limit: int, scope: Scope = Scope.MEMBER, target: int | None = None
):
    return ApplicableLimit(Limit(scope, target, kind, per, limit), pool, 5, GUILD)


@pytest.mark.parametrize(
    ("applicable", "used", "wanted", "sentence"),
    [
        (
            applicable(UsageScope.MEMBER, Kind.MESSAGES, Period.DAY, 100),
            100,
            1,
            f"You have used your 100 messages for today; {AGAIN}.",
        ),
        (
            applicable(UsageScope.SERVER, Kind.TOKENS, Period.MONTH, 1_000_000),
            1_000_200,
            500,
            f"This server has used its 1,000,000 tokens for this month; {AGAIN}.",
        ),
        (
            applicable(UsageScope.DIRECT, Kind.IMAGES, Period.HOUR, 1),
            1,
            1,
            f"Your direct messages have used their 1 image for this hour; {AGAIN}.",
        ),
        (
            applicable(UsageScope.MEMBER, Kind.IMAGES, Period.DAY, 10),
            8,
            4,
            f"You have 2 of your 10 images left for today, and this needs 4; {AGAIN}.",
        ),
        (
            applicable(UsageScope.SERVER, Kind.SPEECH_CHARACTERS, Period.DAY, 1_000),
            0,
            4_000,
            f"This needs 4,000 characters of speech at once, and this server has 1,000 a day ({AGAIN}). "
            "Please ask for less.",
        ),
        (
            applicable(UsageScope.MEMBER, Kind.IMAGES, Period.DAY, 0),
            0,
            1,
            f"You have no images to spend: your limit is 0 a day ({AGAIN}).",
        ),
        (
            applicable(UsageScope.CHANNEL, Kind.MESSAGES, Period.HOUR, 20, Scope.CHANNEL),
            20,
            1,
            f"This channel has used its 20 messages for this hour; {AGAIN}.",
        ),
        (
            applicable(UsageScope.MEMBER_HERE, Kind.MESSAGES, Period.HOUR, 5),
            5,
            1,
            f"Here you have used your 5 messages for this hour; {AGAIN}.",
        ),
        (
            applicable(UsageScope.MEMBER_HERE, Kind.IMAGES, Period.DAY, 3, Scope.ROLE, ROLE),
            0,
            4,
            f"This needs 4 images at once, and as <@&801> you have 3 a day ({AGAIN}). Please ask for less.",
        ),
        (
            applicable(UsageScope.MEMBER_HERE, Kind.IMAGES, Period.DAY, 3, Scope.ROLE, GUILD),
            3,
            1,
            f"As @everyone you have used your 3 images for today; {AGAIN}.",
        ),
    ],
    ids=[
        "member",
        "server",
        "direct messages",
        "too little left",
        "more than all",
        "nothing at all",
        "channel",
        "member here",
        "role",
        "everyone",
    ],
)
def test_a_refusal_says_whose_limit_of_what_and_until_when(
    applicable: ApplicableLimit, used: int, wanted: int, sentence: str
) -> None:
    assert format_refusal(applicable, used=used, wanted=wanted, resets_at=MIDNIGHT) == sentence


@pytest.mark.parametrize(
    ("pool", "scope", "target", "whose"),
    [
        (UsageScope.MEMBER, Scope.MEMBER, None, "your"),
        (UsageScope.MEMBER_HERE, Scope.MEMBER, None, "your own"),
        (UsageScope.MEMBER_HERE, Scope.ROLE, ROLE, "your (<@&801>)"),
        (UsageScope.CHANNEL, Scope.CHANNEL, None, "this channel's"),
        (UsageScope.SERVER, Scope.SERVER, None, "this server's"),
        (UsageScope.DIRECT, Scope.SERVER, None, "your direct messages'"),
    ],
)
def test_an_answer_that_stops_says_whose_limit_it_met(
    pool: UsageScope, scope: Scope, target: int | None, whose: str
) -> None:
    met = applicable(pool, Kind.TOKENS, Period.DAY, 1_000, scope, target)
    said = f"I had to stop here: {whose} limit of 1,000 tokens a day has no room for more; {AGAIN}."
    assert format_stop(met, resets_at=MIDNIGHT) == said
