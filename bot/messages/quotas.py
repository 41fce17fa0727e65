"""Sentences about limits and usage: `/quota`, `/usage`, and what is said where a limit is reached.

`role` is a mention of the role whose limit it is, and empty for every other owner.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from bot.messages.message import Message

Kind: TypeAlias = Literal["messages", "tokens", "speech_characters", "images"]
Period: TypeAlias = Literal["hour", "day", "month"]

Owner: TypeAlias = Literal["member", "here", "role", "channel", "server", "direct"]
"""Whose limit it is, to the one who asks. `here`: theirs in this server; `direct`: of their direct messages."""

Target: TypeAlias = Literal["server", "each_channel", "channel", "each_member", "member", "deleted_member", "role"]
"""Whom a limit is set for. The mention of `channel`, `member` and `role` is empty for the others."""


def amount(count: int, kind: Kind) -> Message:
    return Message("quotas.amount", {"count": count, "kind": kind})


def limit(count: int, kind: Kind, period: Period) -> Message:
    return Message("quotas.limit", {"count": count, "kind": kind, "period": period})


def unlimited(kind: Kind, period: Period) -> Message:
    return Message("quotas.unlimited", {"kind": kind, "period": period})


def limit_used_up(owner: Owner, role: str, limit: Message, resets_at: datetime) -> Message:
    return Message("quotas.limit_used_up", {"owner": owner, "role": role, "limit": limit, "resets": resets_at})


def limit_is_zero(owner: Owner, role: str, limit: Message) -> Message:
    return Message("quotas.limit_is_zero", {"owner": owner, "role": role, "limit": limit})


def more_than_limit(owner: Owner, role: str, wanted: Message, limit: Message, resets_at: datetime) -> Message:
    return Message(
        "quotas.more_than_limit",
        {"owner": owner, "role": role, "wanted": wanted, "limit": limit, "resets": resets_at},
    )


def more_than_left(owner: Owner, role: str, wanted: Message, left: int, limit: Message, resets_at: datetime) -> Message:
    return Message(
        "quotas.more_than_left",
        {"owner": owner, "role": role, "wanted": wanted, "left": left, "limit": limit, "resets": resets_at},
    )


def answer_stopped(owner: Owner, role: str, limit: Message, resets_at: datetime) -> Message:
    return Message("quotas.answer_stopped", {"owner": owner, "role": role, "limit": limit, "resets": resets_at})


def usage_heading(owner: Owner, role: str, period: Period, resets_at: datetime) -> Message:
    return Message("quotas.usage_heading", {"owner": owner, "role": role, "period": period, "resets": resets_at})


def usage(kind: Kind, used: int, max_amount: int) -> Message:
    return Message("quotas.usage", {"kind": kind, "used": used, "max_amount": max_amount})


def usage_unlimited(kind: Kind, used: int) -> Message:
    return Message("quotas.usage_unlimited", {"kind": kind, "used": used})


def limit_set(target: Target, mention: str, kind: Kind, limit: Message, resets_at: datetime) -> Message:
    return Message(
        "quotas.limit_set",
        {"target": target, "mention": mention, "kind": kind, "limit": limit, "resets": resets_at},
    )


def limit_before(limit: Message) -> Message:
    return Message("quotas.limit_before", {"limit": limit})


def others_apply() -> Message:
    return Message("quotas.others_apply")


def others_apply_to_exempt(kind: Kind) -> Message:
    return Message("quotas.others_apply_to_exempt", {"kind": kind})


def limit_removed(target: Target, mention: str, limit: Message) -> Message:
    return Message("quotas.limit_removed", {"target": target, "mention": mention, "limit": limit})


def no_such_limit() -> Message:
    return Message("quotas.no_such_limit")


def list_heading() -> Message:
    return Message("quotas.list_heading")


def list_empty() -> Message:
    return Message("quotas.list_empty")


def list_entry(target: Target, mention: str, limits: Sequence[Message]) -> Message:
    return Message("quotas.list_entry", {"target": target, "mention": mention, "limits": limits})


def list_operator_heading() -> Message:
    return Message("quotas.list_operator_heading")


def list_operator_members(limits: Sequence[Message]) -> Message:
    return Message("quotas.list_operator_members", {"limits": limits})


def list_resets(hour: datetime, day: datetime, month: datetime) -> Message:
    return Message("quotas.list_resets", {"hour": hour, "day": day, "month": month})


def too_many_limits(count: int) -> Message:
    return Message("quotas.too_many_limits", {"count": count})


def limit_not_a_number(max_amount: int) -> Message:
    return Message("quotas.limit_not_a_number", {"max_amount": max_amount})


def target_of_another_scope(scope: str) -> Message:
    return Message("quotas.target_of_another_scope", {"scope": scope})


def role_missing() -> Message:
    return Message("quotas.role_missing")


def target_is_category() -> Message:
    return Message("quotas.target_is_category")
