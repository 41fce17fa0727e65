"""Which rules bind a caller, and whose use each of them counts.

Several bind at once. The exceptions are all about one member in one server: of the rules for their roles the kindest
counts, and a role without a limit (or that very member without one) exempts them from role and member rules. What they
use is counted all the same, for everything they are in a server together, so that a role that comes or goes neither
takes nor gives back what was used.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.context import RequestContext
from bot.quotas.rules import Ceilings, Kind, Rule, Scope
from bot.quotas.subjects import Subjects


class Pool(StrEnum):
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
class Binding:
    """A rule as it binds a caller: `subject` says whose use in `pool` counts; `exempt`, that none of it is refused.

    `guild_id` is the server that a member's or role's rule is from.
    """

    rule: Rule
    pool: Pool
    subject: int
    guild_id: int | None = None
    exempt: bool = False

    @property
    def name(self) -> str:
        """What tells it from other limits of the same caller."""
        return ":".join(map(str, (self.pool, self.subject, self.rule.kind, self.rule.per, self.rule.target)))

    @property
    def limit(self) -> int | None:
        """How much there is; None when nothing is refused."""
        return None if self.exempt else self.rule.limit


def bindings(
    caller: RequestContext,
    stored: Sequence[Rule],
    ceilings: Ceilings,
    subjects: Subjects,
    kinds: Collection[Kind] = tuple(Kind),
) -> list[Binding]:
    """Give everything that `caller`'s use of `kinds` counts under where they are, the member's own first.

    `stored` are the rules of the caller's server, of all targets or of those alone that may concern the caller.
    """
    own = [rule for rule in ceilings.member_rules() if rule.kind in kinds]
    shared = [rule for rule in ceilings.server_rules() if rule.kind in kinds]
    member = subjects.member(caller.user_id)
    found = [Binding(rule, Pool.MEMBER, member) for rule in own]
    if caller.guild_id is None:
        direct = subjects.direct(caller.user_id)
        return found + [Binding(rule, Pool.DIRECT, direct) for rule in shared]
    stored = [rule for rule in stored if rule.kind in kinds]
    if stored:
        found += _of_member(stored, caller, subjects.member_here(caller.guild_id, caller.user_id))
        found += _of_channel(stored, caller.settings_channel_id)
    found += [Binding(rule, Pool.SERVER, caller.guild_id) for rule in stored if rule.scope is Scope.SERVER]
    return found + [Binding(rule, Pool.SERVER, caller.guild_id) for rule in shared]


def _of_channel(stored: Iterable[Rule], channel_id: int) -> Iterator[Binding]:
    for rule in stored:
        if rule.scope is Scope.CHANNEL and rule.target in (None, channel_id):
            yield Binding(rule, Pool.CHANNEL, channel_id)


def _of_member(stored: Iterable[Rule], caller: RequestContext, subject: int) -> Iterator[Binding]:
    """Give the member and role rules, exempt from those where something exempts the member from their kind."""
    own = [rule for rule in stored if rule.scope is Scope.MEMBER and rule.target in (None, subject)]
    roles = [rule for rule in stored if rule.scope is Scope.ROLE and rule.target in caller.role_ids]
    named = [*roles, *(rule for rule in own if rule.target is not None)]
    exempt: set[Kind] = {rule.kind for rule in named if rule.limit is None}
    for rule in [*own, *_kindest(roles)]:
        is_exempt = rule.kind in exempt and rule.limit is not None
        yield Binding(rule, Pool.MEMBER_HERE, subject, caller.guild_id, exempt=is_exempt)


def _kindest(roles: Iterable[Rule]) -> Iterable[Rule]:
    """Give, for each kind and period, the rule with the highest limit."""
    best: dict[tuple[str, str], Rule] = {}
    for rule in roles:
        other = best.setdefault((rule.kind, rule.per), rule)
        if other.limit is not None and (rule.limit is None or rule.limit > other.limit):
            best[rule.kind, rule.per] = rule
    return best.values()
