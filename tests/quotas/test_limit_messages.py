from datetime import UTC, datetime

import pytest

from bot.messages.render import render
from bot.quotas.limit_messages import build_refusal, build_stop
from bot.quotas.resolver import ApplicableLimit, UsageScope
from bot.store.quota_limits import Kind, Limit, Period, Scope
from tests.support.quotas import GUILD

MIDNIGHT = datetime(2026, 9, 2, tzinfo=UTC)
RESETS = "It resets <t:1788307200:R>."
ROLE = 801


def applicable(
    pool: UsageScope, kind: Kind, per: Period, limit: int, scope: Scope = Scope.MEMBER, target: int | None = None
) -> ApplicableLimit:
    return ApplicableLimit(Limit(scope, target, kind, per, limit), pool, 5, GUILD)


@pytest.mark.parametrize(
    ("applicable", "used", "wanted", "sentence"),
    [
        (
            applicable(UsageScope.MEMBER, Kind.MESSAGES, Period.DAY, 100),
            100,
            1,
            f"You've used your limit: 100 messages per day. {RESETS}",
        ),
        (
            applicable(UsageScope.SERVER, Kind.TOKENS, Period.MONTH, 1_000_000),
            1_000_200,
            500,
            f"This server has used its limit: 1,000,000 tokens per month. {RESETS}",
        ),
        (
            applicable(UsageScope.DIRECT, Kind.IMAGES, Period.HOUR, 1),
            1,
            1,
            f"You've used your limit for direct messages: 1 image per hour. {RESETS}",
        ),
        (
            applicable(UsageScope.MEMBER, Kind.IMAGES, Period.DAY, 10),
            8,
            4,
            f"This needs 4 images, and your limit has 2 left: 10 images per day. {RESETS}",
        ),
        (
            applicable(UsageScope.SERVER, Kind.SPEECH_CHARACTERS, Period.DAY, 1_000),
            0,
            4_000,
            f"This needs 4,000 spoken characters, and this server's limit is 1,000 spoken characters per day. {RESETS} "
            "Please ask for less.",
        ),
        (
            applicable(UsageScope.MEMBER, Kind.IMAGES, Period.DAY, 0),
            0,
            1,
            "I can't do that: your limit is 0 images per day.",
        ),
        (
            applicable(UsageScope.CHANNEL, Kind.MESSAGES, Period.HOUR, 20, Scope.CHANNEL),
            20,
            1,
            f"This channel has used its limit: 20 messages per hour. {RESETS}",
        ),
        (
            applicable(UsageScope.MEMBER_HERE, Kind.MESSAGES, Period.HOUR, 5),
            5,
            1,
            f"You've used your limit in this server: 5 messages per hour. {RESETS}",
        ),
        (
            applicable(UsageScope.MEMBER_HERE, Kind.IMAGES, Period.DAY, 3, Scope.ROLE, ROLE),
            0,
            4,
            f"This needs 4 images, and your limit as <@&801> is 3 images per day. {RESETS} Please ask for less.",
        ),
        (
            applicable(UsageScope.MEMBER_HERE, Kind.IMAGES, Period.DAY, 3, Scope.ROLE, GUILD),
            3,
            1,
            f"You've used your limit as @everyone: 3 images per day. {RESETS}",
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
    assert render(build_refusal(applicable, used=used, wanted=wanted, resets_at=MIDNIGHT)) == sentence


@pytest.mark.parametrize(
    ("pool", "scope", "target", "whose"),
    [
        (UsageScope.MEMBER, Scope.MEMBER, None, "your limit"),
        (UsageScope.MEMBER_HERE, Scope.MEMBER, None, "your limit in this server"),
        (UsageScope.MEMBER_HERE, Scope.ROLE, ROLE, "your limit as <@&801>"),
        (UsageScope.CHANNEL, Scope.CHANNEL, None, "this channel's limit"),
        (UsageScope.SERVER, Scope.SERVER, None, "this server's limit"),
        (UsageScope.DIRECT, Scope.SERVER, None, "your limit for direct messages"),
    ],
)
def test_an_answer_that_stops_says_whose_limit_it_met(
    pool: UsageScope, scope: Scope, target: int | None, whose: str
) -> None:
    met = applicable(pool, Kind.TOKENS, Period.DAY, 1_000, scope, target)
    said = f"I had to stop here because {whose} has no room for more: 1,000 tokens per day. {RESETS}"
    assert render(build_stop(met, resets_at=MIDNIGHT)) == said
