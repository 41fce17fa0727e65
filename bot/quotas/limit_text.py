"""The sentences about a limit: whose it is, of what, how much of it, and when it resets."""

from datetime import datetime

from bot.quotas.limits import Kind, Limit, Period, Scope
from bot.quotas.resolver import ApplicableLimit, UsageScope

SINGULAR = {
    Kind.MESSAGES: "message",
    Kind.TOKENS: "token",
    Kind.SPEECH_CHARACTERS: "character of speech",
    Kind.IMAGES: "image",
}
PLURAL = {
    Kind.MESSAGES: "messages",
    Kind.TOKENS: "tokens",
    Kind.SPEECH_CHARACTERS: "characters of speech",
    Kind.IMAGES: "images",
}
THIS_PERIOD = {Period.HOUR: "this hour", Period.DAY: "today", Period.MONTH: "this month"}
PER_PERIOD = {Period.HOUR: "an hour", Period.DAY: "a day", Period.MONTH: "a month"}


def format_refusal(binding: ApplicableLimit, *, used: int, wanted: int, resets_at: datetime) -> str:
    """Return why `wanted` more does not fit under a limit of which `used` is used."""
    rule, limit = binding.rule, binding.limit
    assert limit is not None, "an unlimited rule refuses nothing"
    have, whose = _holder(binding)
    again = f"it starts again {format_relative_time(resets_at)}"
    if limit == 0:
        return f"{have} no {PLURAL[rule.kind]} to spend: {whose} limit is 0 {PER_PERIOD[rule.per]} ({again})."
    if used >= limit:
        return f"{have} used {whose} {format_amount(limit, rule.kind)} for {THIS_PERIOD[rule.per]}; {again}."
    if wanted > limit:
        return (
            f"This needs {format_amount(wanted, rule.kind)} at once, and {have[0].lower()}{have[1:]} {limit:,} "
            f"{PER_PERIOD[rule.per]} ({again}). Please ask for less."
        )
    return (
        f"{have} {limit - used:,} of {whose} {format_amount(limit, rule.kind)} left for {THIS_PERIOD[rule.per]}, "
        f"and this needs {wanted:,}; {again}."
    )


def format_stop(binding: ApplicableLimit, *, resets_at: datetime) -> str:
    """Return why an answer that has begun gets no more."""
    rule, limit = binding.rule, binding.limit
    assert limit is not None, "an unlimited rule stops nothing"
    return (
        f"I had to stop here: {_owner(binding)} limit of {format_amount(limit, rule.kind)} {PER_PERIOD[rule.per]} has "
        f"no room for more; it starts again {format_relative_time(resets_at)}."
    )


def format_amount(amount: int, kind: Kind) -> str:
    """Return an amount with its unit: "1 image", "10,000 characters of speech"."""
    return f"{amount:,} {(SINGULAR if amount == 1 else PLURAL)[kind]}"


def format_limit(rule: Limit) -> str:
    """Return how much a limit allows: "40 messages a day", "no limit on images a month"."""
    if rule.limit is None:
        return f"no limit on {PLURAL[rule.kind]} {PER_PERIOD[rule.per]}"
    return f"{format_amount(rule.limit, rule.kind)} {PER_PERIOD[rule.per]}"


def format_relative_time(moment: datetime) -> str:
    """Return a time that Discord shows as "in 3 hours", in the reader's language."""
    return f"<t:{int(moment.timestamp())}:R>"


def format_role(role_id: int | None, guild_id: int | None) -> str:
    """Return a role's mention; the one that everyone has bears its guild's id."""
    return "@everyone" if role_id == guild_id else f"<@&{role_id}>"


def _holder(binding: ApplicableLimit) -> tuple[str, str]:
    """Return whose limit it is: with its verb, and as an owner."""
    match binding.pool:
        case UsageScope.MEMBER:
            return "You have", "your"
        case UsageScope.MEMBER_HERE if binding.rule.scope is Scope.ROLE:
            return f"As {format_role(binding.rule.target, binding.guild_id)} you have", "your"
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
            return f"your ({format_role(binding.rule.target, binding.guild_id)})"
        case UsageScope.MEMBER_HERE:
            return "your own"
        case UsageScope.CHANNEL:
            return "this channel's"
        case UsageScope.SERVER:
            return "this server's"
        case UsageScope.DIRECT:
            return "your direct messages'"
