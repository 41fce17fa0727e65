"""A limit in the words of `bot.messages.quotas`: whose it is, of what, how much of it, and when it resets."""

from datetime import datetime

from bot.messages import quotas as texts
from bot.messages.message import Message
from bot.quotas.resolver import ApplicableLimit, UsageScope
from bot.store.quota_limits import Limit, Scope


def build_refusal(applicable: ApplicableLimit, *, used: int, wanted: int, resets_at: datetime) -> Message:
    """Return why `wanted` more does not fit under a limit of which `used` is used."""
    max_amount = applicable.max_amount
    assert max_amount is not None, "what is unlimited refuses nothing"
    owner, role = get_owner(applicable)
    limit = build_limit(applicable.limit)
    if max_amount == 0:
        return texts.limit_is_zero(owner, role, limit)
    if used >= max_amount:
        return texts.limit_used_up(owner, role, limit, resets_at)
    needed = texts.amount(wanted, applicable.limit.kind.value)
    if wanted > max_amount:
        return texts.more_than_limit(owner, role, needed, limit, resets_at)
    return texts.more_than_left(owner, role, needed, max_amount - used, limit, resets_at)


def build_stop(applicable: ApplicableLimit, *, resets_at: datetime) -> Message:
    """Return why an answer that has begun gets no more."""
    assert applicable.max_amount is not None, "what is unlimited stops nothing"
    owner, role = get_owner(applicable)
    return texts.answer_stopped(owner, role, build_limit(applicable.limit), resets_at)


def build_limit(limit: Limit) -> Message:
    """Return how much a limit allows: "40 messages per day", "unlimited images per month"."""
    if limit.max_amount is None:
        return texts.unlimited(limit.kind.value, limit.per.value)
    return texts.limit(limit.max_amount, limit.kind.value, limit.per.value)


def format_role(role_id: int | None, guild_id: int | None) -> str:
    """Return a role's mention; the one that everyone has bears its guild's id."""
    return "@everyone" if role_id == guild_id else f"<@&{role_id}>"


def get_owner(applicable: ApplicableLimit) -> tuple[texts.Owner, str]:
    """Return whose limit it is, and the mention of a role whose it is."""
    match applicable.usage_scope:
        case UsageScope.MEMBER:
            return "member", ""
        case UsageScope.MEMBER_HERE if applicable.limit.scope is Scope.ROLE:
            return "role", format_role(applicable.limit.target, applicable.guild_id)
        case UsageScope.MEMBER_HERE:
            return "here", ""
        case UsageScope.CHANNEL:
            return "channel", ""
        case UsageScope.SERVER:
            return "server", ""
        case UsageScope.DIRECT:
            return "direct", ""
