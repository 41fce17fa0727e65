"""How a limit is told to the member who met it: whose it is, of what, how much of it, and when it starts again."""

from datetime import datetime

from bot.quotas.bindings import Binding, Pool
from bot.quotas.rules import Kind, Rule, Scope
from bot.quotas.windows import Per

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
NOW = {Per.HOUR: "this hour", Per.DAY: "today", Per.MONTH: "this month"}
EACH = {Per.HOUR: "an hour", Per.DAY: "a day", Per.MONTH: "a month"}


def refusal(binding: Binding, *, used: int, wanted: int, resets_at: datetime) -> str:
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


def stopped(binding: Binding, *, resets_at: datetime) -> str:
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


def amount(rule: Rule) -> str:
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


def _holder(binding: Binding) -> tuple[str, str]:
    """Name whose limit it is: with its verb, and as an owner."""
    match binding.pool:
        case Pool.MEMBER:
            return "You have", "your"
        case Pool.MEMBER_HERE if binding.rule.scope is Scope.ROLE:
            return f"As {role_named(binding.rule.target, binding.guild_id)} you have", "your"
        case Pool.MEMBER_HERE:
            return "Here you have", "your"
        case Pool.CHANNEL:
            return "This channel has", "its"
        case Pool.SERVER:
            return "This server has", "its"
        case Pool.DIRECT:
            return "Your direct messages have", "their"


def _owner(binding: Binding) -> str:
    match binding.pool:
        case Pool.MEMBER:
            return "your"
        case Pool.MEMBER_HERE if binding.rule.scope is Scope.ROLE:
            return f"your ({role_named(binding.rule.target, binding.guild_id)})"
        case Pool.MEMBER_HERE:
            return "your own"
        case Pool.CHANNEL:
            return "this channel's"
        case Pool.SERVER:
            return "this server's"
        case Pool.DIRECT:
            return "your direct messages'"
