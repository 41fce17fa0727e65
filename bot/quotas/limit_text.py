"""How a limit is told to the member who met it: whose it is, of what, how much of it, and when it starts again."""

from datetime import datetime

from bot.quotas.limits import Kind, Limit, Period, Scope
from bot.quotas.resolver import ApplicableLimit, UsageScope

ONE = {
    Kind.MESSAGES: "message",
    Kind.TOKENS: "token",
    Kind.SPEECH_CHARACTERS: "character of speech",
    Kind.IMAGES: "image",
}
MANY = {
    Kind.MESSAGES: "messages",
    Kind.TOKENS: "tokens",
    Kind.SPEECH_CHARACTERS: "characters of speech",
    Kind.IMAGES: "images",
}
NOW = {Period.HOUR: "this hour", Period.DAY: "today", Period.MONTH: "this month"}
EACH = {Period.HOUR: "an hour", Period.DAY: "a day", Period.MONTH: "a month"}


def refusal(binding: ApplicableLimit, *, used: int, wanted: int, resets_at: datetime) -> str:
    """Say why `wanted` more does not fit under a rule of which `used` is gone."""
    rule, limit = binding.rule, binding.limit
    assert limit is not None, "an unlimited rule refuses nothing"
    have, whose = _holder(binding)
    again = f"it starts again {relative(resets_at)}"
    if limit == 0:
        return f"{have} no {MANY[rule.kind]} to spend: {whose} limit is 0 {EACH[rule.per]} ({again})."
    if used >= limit:
        return f"{have} used {whose} {counted(limit, rule.kind)} for {NOW[rule.per]}; {again}."
    if wanted > limit:
        return (
            f"This needs {counted(wanted, rule.kind)} at once, and {have[0].lower()}{have[1:]} {limit:,} "
            f"{EACH[rule.per]} ({again}). Please ask for less."
        )
    return (
        f"{have} {limit - used:,} of {whose} {counted(limit, rule.kind)} left for {NOW[rule.per]}, "
        f"and this needs {wanted:,}; {again}."
    )


def stopped(binding: ApplicableLimit, *, resets_at: datetime) -> str:
    """Say why an answer under way got no more."""
    rule, limit = binding.rule, binding.limit
    assert limit is not None, "an unlimited rule stops nothing"
    return (
        f"I had to stop here: {_owner(binding)} limit of {counted(limit, rule.kind)} {EACH[rule.per]} has no room "
        f"for more; it starts again {relative(resets_at)}."
    )


def counted(amount: int, kind: Kind) -> str:
    """Say an amount with its unit: "1 image", "10,000 characters of speech"."""
    return f"{amount:,} {(ONE if amount == 1 else MANY)[kind]}"


def amount(rule: Limit) -> str:
    """Say how much a rule allows: "40 messages a day", "no limit on images a month"."""
    if rule.limit is None:
        return f"no limit on {MANY[rule.kind]} {EACH[rule.per]}"
    return f"{counted(rule.limit, rule.kind)} {EACH[rule.per]}"


def relative(moment: datetime) -> str:
    """Write a time that Discord shows as "in 3 hours", in the reader's language."""
    return f"<t:{int(moment.timestamp())}:R>"


def role_named(role_id: int | None, guild_id: int | None) -> str:
    """Name a role; the one that everybody bears has its server's id."""
    return "@everyone" if role_id == guild_id else f"<@&{role_id}>"


def _holder(binding: ApplicableLimit) -> tuple[str, str]:
    """Name whose limit it is: with its verb, and as an owner."""
    match binding.pool:
        case UsageScope.MEMBER:
            return "You have", "your"
        case UsageScope.MEMBER_HERE if binding.rule.scope is Scope.ROLE:
            return f"As {role_named(binding.rule.target, binding.guild_id)} you have", "your"
        case UsageScope.MEMBER_HERE:
            return "Here you have", "your"
        case UsageScope.CHANNEL:
            return "This channel has", "its"
        case UsageScope.SERVER:
            return "This server has", "its"
        case UsageScope.DIRECT:
            return "Your direct messages have", "their"


def _owner(binding: ApplicableLimit) -> str:
    match binding.pool:
        case UsageScope.MEMBER:
            return "your"
        case UsageScope.MEMBER_HERE if binding.rule.scope is Scope.ROLE:
            return f"your ({role_named(binding.rule.target, binding.guild_id)})"
        case UsageScope.MEMBER_HERE:
            return "your own"
        case UsageScope.CHANNEL:
            return "this channel's"
        case UsageScope.SERVER:
            return "this server's"
        case UsageScope.DIRECT:
            return "your direct messages'"
