"""The limits that moderators set for their guild."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import InvalidOption
from bot.messages import quotas as texts
from bot.quotas.ledger import MAX_AMOUNT
from bot.quotas.resolver import OperatorLimits, UsageKeys
from bot.store.quota_limits import Kind, Limit, LimitsFull, Period, QuotaLimits, Scope

MAX_LIMITS: Final = 100
"""In one guild: each request loads those that can apply to it, and the list is read by people."""

_NUMBER: Final = re.compile(r"[0-9]+|[0-9]{1,3}(,[0-9]{3})+")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a limit is for, as in the command's options; the one that belongs to the scope, or none."""

    channel_id: int | None = None
    member_id: int | None = None
    role_id: int | None = None


@dataclass(frozen=True, slots=True)
class LimitChange:
    """What was just changed: the limit as it is now or was until now, what it was before, when it resets."""

    changed: Limit
    before: Limit | None
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """All limits of a guild: its moderators', the operator's, and when each period ends."""

    limits: Sequence[Limit]
    operator: OperatorLimits
    resets_at: dict[Period, datetime]


class QuotaSettings:
    """Changes and lists the limits of the requester's guild. Each method checks the permission when it is carried out.

    Every method raises MissingPermission where the requester may not manage the guild, NotInGuild where there is none,
    and StoreUnavailable while the store cannot be used; nothing was changed then.
    """

    def __init__(
        self, stored: QuotaLimits, operator_limits: OperatorLimits, usage_keys: UsageKeys, clock: Clock
    ) -> None:
        self._stored = stored
        self._operator_limits = operator_limits
        self._usage_keys = usage_keys
        self._clock = clock

    async def set(
        self, requester: RequestContext, scope: Scope, kind: Kind, per: Period, max_amount: str, target: Target
    ) -> LimitChange:
        """Set a limit, in place of one for the same scope, target, kind and period.

        Raises:
            InvalidOption: `max_amount` is none, `target` doesn't belong to `scope`, or there are too many.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        wanted = self._build_limit(guild_id, scope, kind, per, _parse_max_amount(max_amount), target)
        now = self._clock.now()
        try:
            old = await self._stored.set(
                guild_id, wanted, max_count=MAX_LIMITS, by=requester.user_id, at_ms=unix_ms(self._clock.discord_now())
            )
        except LimitsFull as full:
            raise InvalidOption("too many limits", message=texts.too_many_limits(MAX_LIMITS)) from full
        _log_change("quota set", requester, wanted)
        return LimitChange(wanted, old, per.end(now))

    async def clear(
        self, requester: RequestContext, scope: Scope, kind: Kind, per: Period, target: Target
    ) -> LimitChange | None:
        """Delete a limit; return None where there was none.

        Raises:
            InvalidOption: `target` doesn't belong to `scope`.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        key = self._build_limit(guild_id, scope, kind, per, None, target).key
        now = self._clock.now()
        old = await self._stored.clear(guild_id, key, by=requester.user_id, at_ms=unix_ms(self._clock.discord_now()))
        if old is None:
            return None
        _log_change("quota cleared", requester, old)
        return LimitChange(old, old, per.end(now))

    async def list(self, requester: RequestContext) -> Listing:
        """Return all limits that apply in the guild."""
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        order, now = list(Scope), self._clock.now()
        limits = await self._stored.list_for_guild(guild_id)
        limits.sort(key=lambda each: order.index(each.scope))  # stable: within a scope as the store sorts them
        return Listing(limits, self._operator_limits, {per: per.end(now) for per in Period})

    def _build_limit(
        self, guild_id: int, scope: Scope, kind: Kind, per: Period, max_amount: int | None, target: Target
    ) -> Limit:
        _check_target(scope, target)
        found = target.channel_id if scope is Scope.CHANNEL else target.role_id
        if target.member_id is not None:
            found = self._usage_keys.guild_member_key(guild_id, target.member_id)
        return Limit(scope, found, kind, per, max_amount, target.member_id)


def _parse_max_amount(text: str) -> int | None:
    """Return the limit that a moderator typed; None for unlimited."""
    written = text.strip().lower()
    if written == "unlimited":
        return None
    if _NUMBER.fullmatch(written) and len(written) <= 2 * len(str(MAX_AMOUNT)):
        max_amount = int(written.replace(",", ""))
        if max_amount <= MAX_AMOUNT:
            return max_amount
    raise InvalidOption("no limit", message=texts.limit_not_a_number(MAX_AMOUNT))


def _check_target(scope: Scope, target: Target) -> None:
    """Raise InvalidOption unless `target` is empty, or names what `scope` is about."""
    named = {
        Scope.CHANNEL: target.channel_id,
        Scope.MEMBER: target.member_id,
        Scope.ROLE: target.role_id,
    }
    stray = next((other for other, found in named.items() if other is not scope and found is not None), None)
    if stray is not None:
        raise InvalidOption("target of another scope", message=texts.target_of_another_scope(stray))
    if scope is Scope.ROLE and target.role_id is None:
        raise InvalidOption("no role", message=texts.role_missing())


def _log_change(event: str, requester: RequestContext, limit: Limit) -> None:
    logger.info(
        event,
        extra={
            "guild": requester.guild_id,
            "user": requester.user_id,
            "scope": limit.scope,
            "target": limit.target,
            "kind": limit.kind,
            "per": limit.per,
            "limit": limit.amount,
        },
    )
