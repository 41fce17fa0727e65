"""The limits that moderators set for their server: who may, what makes sense, and what holds then."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import InvalidOption, NotInGuild
from bot.messages.message import plain
from bot.quotas.ledger import LARGEST_AMOUNT
from bot.quotas.limits import Kind, Limit, OperatorLimits, Period, Scope, window_end
from bot.quotas.pseudonyms import UsageKeys
from bot.quotas.resolver import rule_of
from bot.store.quota_limits import LimitsFull, QuotaLimits, StoredLimit

MOST_RULES: Final = 100
"""In one server: each request reads those that may bind it, and the list is to be read by people."""

_NUMBER: Final = re.compile(r"[0-9]+|[0-9]{1,3}(,[0-9]{3})+")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a limit is for, as the command's options named them; the one that goes with the scope, or none."""

    channel_id: int | None = None
    member_id: int | None = None
    role_id: int | None = None


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A rule of one server; `member_id` says whom a member's rule is for, unless that member's data was deleted."""

    rule: Limit
    guild_id: int
    member_id: int | None = None


@dataclass(frozen=True, slots=True)
class LimitChange:
    """What was just changed: the rule as it holds now or held until now, what it was before, when it starts again."""

    rule: SetLimit
    before: Limit | None
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """All limits of a server: its moderators', the operator's, and when each period starts again."""

    rules: Sequence[SetLimit]
    operator: OperatorLimits
    resets_at: dict[Period, datetime]


class QuotaSettings:
    """Changes and lists the limits of the requester's server. Each method asks for the right when it is carried out.

    Every method raises MissingPermission where the requester may not manage the server, NotInGuild where there is none,
    and StoreUnavailable while the store cannot be used; nothing was changed then.
    """

    def __init__(self, stored: QuotaLimits, ceilings: OperatorLimits, subjects: UsageKeys, clock: Clock) -> None:
        self._stored = stored
        self._ceilings = ceilings
        self._subjects = subjects
        self._clock = clock

    async def set(
        self, requester: RequestContext, scope: Scope, kind: Kind, per: Period, limit: str, target: Target
    ) -> LimitChange:
        """Set a limit, in place of the one that there is for the same scope, target, kind and period.

        Raises:
            InvalidOption: `limit` is no limit, `target` doesn't go with `scope`, or there are too many.
        """
        guild_id = _admit(requester)
        wanted = self._stored_rule(guild_id, scope, kind, per, _limit(limit), target)
        now = self._clock.now()
        try:
            old = await self._stored.set(
                guild_id, wanted, most=MOST_RULES, by=requester.user_id, at_ms=unix_ms(self._clock.discord_now())
            )
        except LimitsFull as full:
            raise InvalidOption(
                "too many rules",
                message=plain(f"This server has {MOST_RULES} limits, which is the most I keep. Take one back first."),
            ) from full
        _log("quota set", requester, wanted)
        return self._change(guild_id, wanted, old, now)

    async def clear(
        self, requester: RequestContext, scope: Scope, kind: Kind, per: Period, target: Target
    ) -> LimitChange | None:
        """Take a limit back; None where there was none.

        Raises:
            InvalidOption: `target` doesn't go with `scope`.
        """
        guild_id = _admit(requester)
        key = self._stored_rule(guild_id, scope, kind, per, None, target).key
        now = self._clock.now()
        old = await self._stored.clear(guild_id, key, by=requester.user_id, at_ms=unix_ms(self._clock.discord_now()))
        if old is None:
            return None
        _log("quota cleared", requester, old)
        return self._change(guild_id, old, old, now)

    async def list(self, requester: RequestContext) -> Listing:
        """Give all limits that hold in the server."""
        guild_id = _admit(requester)
        stored = await self._stored.of_guild(guild_id)
        now = self._clock.now()
        rules = [SetLimit(rule_of(each), guild_id, each.member_id) for each in stored]
        order = list(Scope)
        rules.sort(key=lambda each: order.index(each.rule.scope))  # stable: within a scope as the store sorts them
        return Listing(rules, self._ceilings, {per: window_end(per, now) for per in Period})

    def _stored_rule(
        self, guild_id: int, scope: Scope, kind: Kind, per: Period, limit: int | None, target: Target
    ) -> StoredLimit:
        _check(scope, target)
        found = target.channel_id if scope is Scope.CHANNEL else target.role_id
        if target.member_id is not None:
            found = self._subjects.member_here(guild_id, target.member_id)
        return StoredLimit(scope, found, kind, per, limit, target.member_id)

    def _change(self, guild_id: int, changed: StoredLimit, old: StoredLimit | None, now: datetime) -> LimitChange:
        rule = SetLimit(rule_of(changed), guild_id, changed.member_id)
        return LimitChange(rule, None if old is None else rule_of(old), window_end(rule.rule.per, now))


def _admit(requester: RequestContext) -> int:
    """Return the id of the server that the requester is in, where they may manage it."""
    if requester.guild_id is None:
        raise NotInGuild
    requester.require(Permission.MANAGE_SERVER)
    return requester.guild_id


def _limit(text: str) -> int | None:
    """Read a limit as a moderator wrote it."""
    written = text.strip().lower()
    if written == "unlimited":
        return None
    if _NUMBER.fullmatch(written) and len(written) <= 2 * len(str(LARGEST_AMOUNT)):
        limit = int(written.replace(",", ""))
        if limit <= LARGEST_AMOUNT:
            return limit
    raise InvalidOption(
        "no limit",
        message=plain(
            f"`limit` has to be a whole number from 0 to {LARGEST_AMOUNT:,}, such as 50, or the word `unlimited`."
        ),
    )


def _check(scope: Scope, target: Target) -> None:
    """Raise InvalidOption unless `target` names nothing, or what `scope` is about."""
    named = {
        Scope.CHANNEL: target.channel_id,
        Scope.MEMBER: target.member_id,
        Scope.ROLE: target.role_id,
    }
    stray = next((other for other, found in named.items() if other is not scope and found is not None), None)
    if stray is not None:
        raise InvalidOption(
            "target of another scope",
            message=plain(f"`target_{stray}` only goes with the scope `{stray}`. Leave it out, or choose that scope."),
        )
    if scope is Scope.ROLE and target.role_id is None:
        raise InvalidOption(
            "no role", message=plain("Name the role in `target_role`: a limit for roles is for a certain one.")
        )


def _log(event: str, requester: RequestContext, rule: StoredLimit) -> None:
    log.info(
        event,
        extra={
            "guild": requester.guild_id,
            "user": requester.user_id,
            "scope": rule.scope,
            "target": rule.target,
            "kind": rule.kind,
            "per": rule.per,
            "limit": rule.amount,
        },
    )
