"""How a limit is told to the member who met it: whose it is, of what, how much of it, and when it starts again."""

from datetime import datetime

from bot.quotas.rules import Kind, Rule, Scope
from bot.quotas.windows import Per

_ONE = {
    Kind.MESSAGES: "message",
    Kind.TOKENS: "token",
    Kind.SPEECH_CHARACTERS: "character of speech",
    Kind.IMAGES: "image",
}
_MANY = {
    Kind.MESSAGES: "messages",
    Kind.TOKENS: "tokens",
    Kind.SPEECH_CHARACTERS: "characters of speech",
    Kind.IMAGES: "images",
}
_NOW = {Per.HOUR: "this hour", Per.DAY: "today", Per.MONTH: "this month"}
_EACH = {Per.HOUR: "an hour", Per.DAY: "a day", Per.MONTH: "a month"}


def refusal(rule: Rule, *, used: int, wanted: int, resets_at: datetime) -> str:
    """Say why `wanted` more does not fit under a rule of which `used` is gone."""
    assert rule.limit is not None, "an unlimited rule refuses nothing"
    have, whose = _holder(rule)
    again = f"it starts again {relative(resets_at)}"
    if rule.limit == 0:
        return f"{have} no {_MANY[rule.kind]} to spend: {whose} limit is 0 {_EACH[rule.per]} ({again})."
    if used >= rule.limit:
        return f"{have} used {whose} {counted(rule.limit, rule.kind)} for {_NOW[rule.per]}; {again}."
    if wanted > rule.limit:
        return (
            f"This needs {counted(wanted, rule.kind)} at once, and {have[0].lower()}{have[1:]} {rule.limit:,} "
            f"{_EACH[rule.per]} ({again}). Please ask for less."
        )
    left = rule.limit - used
    return (
        f"{have} {left:,} of {whose} {counted(rule.limit, rule.kind)} left for {_NOW[rule.per]}, "
        f"and this needs {wanted:,}; {again}."
    )


def counted(amount: int, kind: Kind) -> str:
    """Say an amount with its unit: "1 image", "10,000 characters of speech"."""
    return f"{amount:,} {(_ONE if amount == 1 else _MANY)[kind]}"


def relative(moment: datetime) -> str:
    """Write a time that Discord shows as "in 3 hours", in the reader's language."""
    return f"<t:{int(moment.timestamp())}:R>"


def _holder(rule: Rule) -> tuple[str, str]:
    """Name whose limit it is: with its verb, and as an owner."""
    if rule.scope is Scope.MEMBER:
        return "You have", "your"
    if rule.for_direct_messages:
        return "Your direct messages have", "their"
    return "This server has", "its"
