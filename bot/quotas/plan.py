"""In which windows a caller's spending at one moment counts, and which rule is the strictest in each."""

from collections.abc import Collection, Sequence
from datetime import datetime

from bot.clock import unix_ms
from bot.context import RequestContext
from bot.quotas.bindings import Binding, bindings
from bot.quotas.rules import Ceilings, Kind, Rule, Scope
from bot.quotas.subjects import Subjects
from bot.quotas.windows import Per, window_end, window_start
from bot.store.quota_limits import QuotaLookup, StoredLimit
from bot.store.usage import UsageCounter


class Plan:
    """What counts for `caller` at `moment`, as far as it is of one of `kinds`.

    The store's rules are looked up at `place`, in the transaction that acts on them, and handed to `windows`.
    """

    def __init__(
        self, caller: RequestContext, moment: datetime, kinds: Collection[Kind], ceilings: Ceilings, subjects: Subjects
    ) -> None:
        self.moment = moment
        self.place = _place(caller, subjects)
        self.named: dict[UsageCounter, Binding] = {}
        """Each window with the strictest rule that holds in it, as last laid out; the member's own first."""
        self._caller = caller
        self._kinds = kinds
        self._ceilings = ceilings
        self._subjects = subjects
        self._stretches: dict[Per, tuple[int, int]] = {}

    def windows(self, stored: Sequence[StoredLimit]) -> dict[UsageCounter, Binding]:
        """Lay out the windows under the rules of the store, and of the operator."""
        self.named = {}
        rules = [rule_of(each) for each in stored]
        for binding in bindings(self._caller, rules, self._ceilings, self._subjects, self._kinds):
            window = self._window(binding)
            if window not in self.named or _stricter(binding, self.named[window]):
                self.named[window] = binding
        return self.named

    def _window(self, binding: Binding) -> UsageCounter:
        """Give the window of `binding` that the moment lies in."""
        rule = binding.rule
        if rule.per not in self._stretches:
            start, end = window_start(rule.per, self.moment), window_end(rule.per, self.moment)
            self._stretches[rule.per] = (unix_ms(start), unix_ms(end))
        return UsageCounter(binding.pool, binding.subject, rule.kind, rule.per, *self._stretches[rule.per])


def rule_of(stored: StoredLimit) -> Rule:
    """Read a rule as the store has it."""
    return Rule(Scope(stored.scope), stored.target, Kind(stored.kind), Per(stored.per), stored.limit)


def _stricter(one: Binding, other: Binding) -> bool:
    """Whether `one` is to be named rather than `other`; of those without a limit, one that exempts."""
    if one.limit is None:
        return other.exempt and not one.exempt
    return other.limit is None or one.limit < other.limit


def _place(caller: RequestContext, subjects: Subjects) -> QuotaLookup | None:
    """Tell where to look for rules; direct messages have none but the operator's."""
    if caller.guild_id is None:
        return None
    return QuotaLookup(
        caller.guild_id, caller.settings_channel_id, subjects.member_here(caller.guild_id, caller.user_id)
    )
