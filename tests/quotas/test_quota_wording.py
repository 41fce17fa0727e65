from datetime import UTC, datetime

import pytest
from callers import ANN, GUILD

from bot.quotas.rules import Kind, Rule, Scope
from bot.quotas.windows import Per
from bot.quotas.wording import refusal

MIDNIGHT = datetime(2026, 9, 2, tzinfo=UTC)
AGAIN = "it starts again <t:1788307200:R>"


@pytest.mark.parametrize(
    ("rule", "used", "wanted", "sentence"),
    [
        (
            Rule(Scope.MEMBER, ANN, Kind.MESSAGES, Per.DAY, 100),
            100,
            1,
            f"You have used your 100 messages for today; {AGAIN}.",
        ),
        (
            Rule(Scope.SERVER, GUILD, Kind.TOKENS, Per.MONTH, 1_000_000),
            1_000_200,
            500,
            f"This server has used its 1,000,000 tokens for this month; {AGAIN}.",
        ),
        (
            Rule(Scope.SERVER, -ANN, Kind.IMAGES, Per.HOUR, 1),
            1,
            1,
            f"Your direct messages have used their 1 image for this hour; {AGAIN}.",
        ),
        (
            Rule(Scope.MEMBER, ANN, Kind.IMAGES, Per.DAY, 10),
            8,
            4,
            f"You have 2 of your 10 images left for today, and this needs 4; {AGAIN}.",
        ),
        (
            Rule(Scope.SERVER, GUILD, Kind.SPEECH_CHARACTERS, Per.DAY, 1_000),
            0,
            4_000,
            f"This needs 4,000 characters of speech at once, and this server has 1,000 a day ({AGAIN}). "
            "Please ask for less.",
        ),
        (
            Rule(Scope.MEMBER, ANN, Kind.IMAGES, Per.DAY, 0),
            0,
            1,
            f"You have no images to spend: your limit is 0 a day ({AGAIN}).",
        ),
    ],
    ids=["member", "server", "direct messages", "too little left", "more than all", "nothing at all"],
)
def test_a_refusal_says_whose_limit_of_what_and_until_when(rule: Rule, used: int, wanted: int, sentence: str) -> None:
    assert refusal(rule, used=used, wanted=wanted, resets_at=MIDNIGHT) == sentence
