"""Which rules bind a requester, and whose use each of them counts.

Several bind at once. The exceptions are all about one member in one server: of the rules for their roles the kindest
counts, and a role without a limit (or that very member without one) exempts them from role and member rules. What they
use is counted all the same, for everything they are in a server together, so that a role that comes or goes neither
takes nor gives back what was used.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.clock import unix_ms
from bot.context import RequestContext
from bot.quotas.limits import Kind, Limit, OperatorLimits, Period, Scope, window_end, window_start
from bot.quotas.pseudonyms import UsageKeys
from bot.store.quota_limits import QuotaLookup, StoredLimit
from bot.store.usage import UsageCounter


class UsageScope(StrEnum):
    """Whose use is counted together; the window's key in the store."""

    MEMBER = "member"
    """A member over all servers and direct messages."""
    MEMBER_HERE = "member_here"
    """A member in one server."""
    CHANNEL = "channel"
    """A channel with its threads."""
    SERVER = "server"
    DIRECT = "direct"
    """A member's direct messages."""


@dataclass(frozen=True, slots=True)
class ApplicableLimit:
    """A rule as it binds a requester: `subject` says whose use in `pool` counts; `exempt`, that none of it is refused.

    `guild_id` is the server that a member's or role's rule is from.
    """

    rule: Limit
    pool: UsageScope
    subject: int
    guild_id: int | None = None
    exempt: bool = False

    @property
    def name(self) -> str:
        """What tells it from other limits of the same requester."""
        return ":".join(map(str, (self.pool, self.subject, self.rule.kind, self.rule.per, self.rule.target)))

    @property
    def limit(self) -> int | None:
        """How much there is; None when nothing is refused."""
        return None if self.exempt else self.rule.limit


def bindings(
    requester: RequestContext,
    stored: Sequence[Limit],
    ceilings: OperatorLimits,
    subjects: UsageKeys,
    kinds: Collection[Kind] = tuple(Kind),
) -> list[ApplicableLimit]:
    """Give everything that `requester`'s use of `kinds` counts under where they are, the member's own first.

    `stored` are the rules of the requester's server, of all targets or of those alone that may concern the requester.
    """
    own = [rule for rule in ceilings.member_rules() if rule.kind in kinds]
    shared = [rule for rule in ceilings.server_rules() if rule.kind in kinds]
    member = subjects.member(requester.user_id)
    found = [ApplicableLimit(rule, UsageScope.MEMBER, member) for rule in own]
    if requester.guild_id is None:
        direct = subjects.direct(requester.user_id)
        return found + [ApplicableLimit(rule, UsageScope.DIRECT, direct) for rule in shared]
    stored = [rule for rule in stored if rule.kind in kinds]
    if stored:
        found += _of_member(stored, requester, subjects.member_here(requester.guild_id, requester.user_id))
        found += _of_channel(stored, requester.settings_channel_id)
    found += [
        ApplicableLimit(rule, UsageScope.SERVER, requester.guild_id) for rule in stored if rule.scope is Scope.SERVER
    ]
    return found + [ApplicableLimit(rule, UsageScope.SERVER, requester.guild_id) for rule in shared]


def _of_channel(stored: Iterable[Limit], channel_id: int) -> Iterator[ApplicableLimit]:
    for rule in stored:
        if rule.scope is Scope.CHANNEL and rule.target in (None, channel_id):
            yield ApplicableLimit(rule, UsageScope.CHANNEL, channel_id)


def _of_member(stored: Iterable[Limit], requester: RequestContext, subject: int) -> Iterator[ApplicableLimit]:
    """Give the member and role rules, exempt from those where something exempts the member from their kind."""
    own = [rule for rule in stored if rule.scope is Scope.MEMBER and rule.target in (None, subject)]
    roles = [rule for rule in stored if rule.scope is Scope.ROLE and rule.target in requester.role_ids]
    named = [*roles, *(rule for rule in own if rule.target is not None)]
    exempt: set[Kind] = {rule.kind for rule in named if rule.limit is None}
    for rule in [*own, *_kindest(roles)]:
        is_exempt = rule.kind in exempt and rule.limit is not None
        yield ApplicableLimit(rule, UsageScope.MEMBER_HERE, subject, requester.guild_id, exempt=is_exempt)


def _kindest(roles: Iterable[Limit]) -> Iterable[Limit]:
    """Give, for each kind and period, the rule with the highest limit."""
    best: dict[tuple[str, str], Limit] = {}
    for rule in roles:
        other = best.setdefault((rule.kind, rule.per), rule)
        if other.limit is not None and (rule.limit is None or rule.limit > other.limit):
            best[rule.kind, rule.per] = rule
    return best.values()


class LimitResolver:
    """What counts for `requester` at `moment`, as far as it is of one of `kinds`.

    The store's rules are looked up at `place`, in the transaction that acts on them, and handed to `windows`.
    """

    def __init__(
        self,
        requester: RequestContext,
        moment: datetime,
        kinds: Collection[Kind],
        ceilings: OperatorLimits,
        subjects: UsageKeys,
    ) -> None:
        self.moment = moment
        self.place = _place(requester, subjects)
        self.named: dict[UsageCounter, ApplicableLimit] = {}
        """Each window with the strictest rule that holds in it, as last laid out; the member's own first."""
        self._caller = requester
        self._kinds = kinds
        self._ceilings = ceilings
        self._subjects = subjects
        self._stretches: dict[Period, tuple[int, int]] = {}

    def windows(self, stored: Sequence[StoredLimit]) -> dict[UsageCounter, ApplicableLimit]:
        """Lay out the windows under the rules of the store, and of the operator."""
        self.named = {}
        rules = [rule_of(each) for each in stored]
        for binding in bindings(self._caller, rules, self._ceilings, self._subjects, self._kinds):
            window = self._window(binding)
            if window not in self.named or _stricter(binding, self.named[window]):
                self.named[window] = binding
        return self.named

    def _window(self, binding: ApplicableLimit) -> UsageCounter:
        """Give the window of `binding` that the moment lies in."""
        rule = binding.rule
        if rule.per not in self._stretches:
            start, end = window_start(rule.per, self.moment), window_end(rule.per, self.moment)
            self._stretches[rule.per] = (unix_ms(start), unix_ms(end))
        return UsageCounter(binding.pool, binding.subject, rule.kind, rule.per, *self._stretches[rule.per])


def rule_of(stored: StoredLimit) -> Limit:
    """Read a rule as the store has it."""
    return Limit(Scope(stored.scope), stored.target, Kind(stored.kind), Period(stored.per), stored.limit)


def _stricter(one: ApplicableLimit, other: ApplicableLimit) -> bool:
    """Whether `one` is to be named rather than `other`; of those without a limit, one that exempts."""
    if one.limit is None:
        return other.exempt and not one.exempt
    return other.limit is None or one.limit < other.limit


def _place(requester: RequestContext, subjects: UsageKeys) -> QuotaLookup | None:
    """Tell where to look for rules; direct messages have none but the operator's."""
    if requester.guild_id is None:
        return None
    return QuotaLookup(
        requester.guild_id, requester.settings_channel_id, subjects.member_here(requester.guild_id, requester.user_id)
    )
