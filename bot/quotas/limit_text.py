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


def format_refusal(applicable: ApplicableLimit, *, used: int, wanted: int, resets_at: datetime) -> str:
    """Return why `wanted` more does not fit under a limit of which `used` is used."""
    limit, max_amount = applicable.limit, applicable.max_amount
    assert max_amount is not None, "what is unlimited refuses nothing"
    have, whose = _holder(applicable)
    again = f"it starts again {format_relative_time(resets_at)}"
    if max_amount == 0:
        return f"{have} no {PLURAL[limit.kind]} to spend: {whose} limit is 0 {PER_PERIOD[limit.per]} ({again})."
    if used >= max_amount:
        return f"{have} used {whose} {format_amount(max_amount, limit.kind)} for {THIS_PERIOD[limit.per]}; {again}."
    if wanted > max_amount:
        return (
            f"This needs {format_amount(wanted, limit.kind)} at once, and {have[0].lower()}{have[1:]} {max_amount:,} "
            f"{PER_PERIOD[limit.per]} ({again}). Please ask for less."
        )
    return (
        f"{have} {max_amount - used:,} of {whose} {format_amount(max_amount, limit.kind)} left for "
        f"{THIS_PERIOD[limit.per]}, and this needs {wanted:,}; {again}."
    )


def format_stop(applicable: ApplicableLimit, *, resets_at: datetime) -> str:
    """Return why an answer that has begun gets no more."""
    limit, max_amount = applicable.limit, applicable.max_amount
    assert max_amount is not None, "what is unlimited stops nothing"
    return (
        f"I had to stop here: {_owner(applicable)} limit of {format_amount(max_amount, limit.kind)} "
        f"{PER_PERIOD[limit.per]} has no room for more; it starts again {format_relative_time(resets_at)}."
    )


def format_amount(amount: int, kind: Kind) -> str:
    """Return an amount with its unit: "1 image", "10,000 characters of speech"."""
    return f"{amount:,} {(SINGULAR if amount == 1 else PLURAL)[kind]}"


def format_limit(limit: Limit) -> str:
    """Return how much a limit allows: "40 messages a day", "no limit on images a month"."""
    if limit.max_amount is None:
        return f"no limit on {PLURAL[limit.kind]} {PER_PERIOD[limit.per]}"
    return f"{format_amount(limit.max_amount, limit.kind)} {PER_PERIOD[limit.per]}"


def format_relative_time(moment: datetime) -> str:
    """Return a time that Discord shows as "in 3 hours", in the reader's language."""
    return f"<t:{int(moment.timestamp())}:R>"


def format_role(role_id: int | None, guild_id: int | None) -> str:
    """Return a role's mention; the one that everyone has bears its guild's id."""
    return "@everyone" if role_id == guild_id else f"<@&{role_id}>"


def _holder(applicable: ApplicableLimit) -> tuple[str, str]:
    """Return whose limit it is: with its verb, and as an owner."""
    match applicable.usage_scope:
        case UsageScope.MEMBER:
            return "You have", "your"
        case UsageScope.MEMBER_HERE if applicable.limit.scope is Scope.ROLE:
            return f"As {format_role(applicable.limit.target, applicable.guild_id)} you have", "your"
        case UsageScope.MEMBER_HERE:
            return "Here you have", "your"
        case UsageScope.CHANNEL:
            return "This channel has", "its"
        case UsageScope.SERVER:
            return "This server has", "its"
        case UsageScope.DIRECT:
            return "Your direct messages have", "their"


def _owner(applicable: ApplicableLimit) -> str:
    match applicable.usage_scope:
        case UsageScope.MEMBER:
            return "your"
        case UsageScope.MEMBER_HERE if applicable.limit.scope is Scope.ROLE:
            return f"your ({format_role(applicable.limit.target, applicable.guild_id)})"
        case UsageScope.MEMBER_HERE:
            return "your own"
        case UsageScope.CHANNEL:
            return "this channel's"
        case UsageScope.SERVER:
            return "this server's"
        case UsageScope.DIRECT:
            return "your direct messages'"
