"""How limits are told: where each stands for the one who asks, what a server has, what a moderator just changed."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from bot.guilds.quota_settings import GuildLimit, LimitChange, Listing
from bot.quotas.limit_text import PLURAL, THIS_PERIOD, format_limit, format_relative_time, format_role
from bot.quotas.limits import Limit, Period, Scope
from bot.quotas.resolver import ApplicableLimit, UsageScope
from bot.quotas.usage import UsageLine

_POOLS: Final = {
    UsageScope.MEMBER: "You",
    UsageScope.MEMBER_HERE: "You in this server",
    UsageScope.CHANNEL: "This channel",
    UsageScope.SERVER: "This server",
    UsageScope.DIRECT: "Your direct messages",
}


def standing(lines: Sequence[UsageLine]) -> list[str]:
    """Say each limit and how much of it is used, under whose it is and for how long, the member's own first."""
    told: list[str] = []
    groups: dict[str, list[UsageLine]] = {}
    for line in lines:
        groups.setdefault(f"**{_whose_use(line.applicable)}, {THIS_PERIOD[line.limit.per]}**", []).append(line)
    for heading, group in groups.items():
        told.append(f"{heading}, starting again {format_relative_time(group[0].resets_at)}")
        told += [f"- {PLURAL[line.limit.kind]}: {_used(line)}" for line in group]
    return told


def listing(found: Listing) -> list[str]:
    """Say all limits of a server, one line for each that they are for."""
    told = ["**Limits set by moderators**"] if found.limits else ["Moderators have set no limits in this server."]
    for _, group in groupby(found.limits, key=lambda each: (each.limit.scope, each.limit.target)):
        same = list(group)
        told += _for_one(_whom(same[0]), [each.limit for each in same])
    told.append("**The operator's limits, which always hold**")
    told += _for_one("each member, over all servers", found.operator.member_limits())
    told += _for_one("this server as a whole", found.operator.server_limits())
    hour, day, month = (format_relative_time(found.resets_at[per]) for per in (Period.HOUR, Period.DAY, Period.MONTH))
    told.append(f"What is for an hour starts again {hour}, for a day {day}, for a month {month}.")
    return told


def after_setting(change: LimitChange) -> str:
    """Say what holds now."""
    limit = change.changed.limit
    resets_at = format_relative_time(change.resets_at)
    text = f"From now on {_whom(change.changed)} has {format_limit(limit)}; it starts again {resets_at}."
    if change.before is not None:
        text += f" Before, it was {format_limit(change.before)}."
    if limit.max_amount is not None:
        return text
    if limit.scope is Scope.ROLE or (limit.scope is Scope.MEMBER and limit.target is not None):
        return (
            f"{text} No limit on {PLURAL[limit.kind]} for roles or members holds for them any more; those of channels, "
            "of the server and of the operator still do."
        )
    return f"{text} Other limits still hold."


def after_clearing(change: LimitChange) -> str:
    """Say what is gone."""
    return f"Gone: {_whom(change.changed)} had {format_limit(change.changed.limit)}. Other limits still hold."


def _for_one(whom: str, limits: Iterable[Limit]) -> list[str]:
    return [f"- {whom}: {', '.join(format_limit(limit) for limit in limits)}"]


def _whom(found: GuildLimit) -> str:
    """Return whom a limit is for."""
    limit = found.limit
    match limit.scope:
        case Scope.SERVER:
            return "this server as a whole"
        case Scope.CHANNEL:
            return "each channel" if limit.target is None else f"<#{limit.target}>"
        case Scope.ROLE:
            return f"each member with {format_role(limit.target, found.guild_id)}"
        case Scope.MEMBER if limit.target is None:
            return "each member"
        case Scope.MEMBER:
            return "a member who had their data deleted" if found.member_id is None else f"<@{found.member_id}>"


def _whose_use(applicable: ApplicableLimit) -> str:
    if applicable.usage_scope is UsageScope.MEMBER_HERE and applicable.limit.scope is Scope.ROLE:
        return f"You as {format_role(applicable.limit.target, applicable.guild_id)}"
    return _POOLS[applicable.usage_scope]


def _used(line: UsageLine) -> str:
    if line.limit.max_amount is None:
        return f"{line.used:,} used, no limit"
    return f"{line.used:,} of {line.limit.max_amount:,} used"
