"""Claims whose limits are fixed, for tests of the store alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.quota_limits import Limit, QuotaLookup
from bot.store.usage import Claim, UsageCounter


@dataclass
class FixedClaims:
    """A claim builder that finds the same limits each time."""

    claims: Sequence[Claim]
    lookup: QuotaLookup | None = None

    def build(self, _stored: Sequence[Limit]) -> Sequence[Claim]:
        return self.claims


def claims_from(*counters: UsageCounter) -> FixedClaims:
    """Claims of nothing, to look at the use of counters."""
    return FixedClaims([Claim(counter, 0, limit=None) for counter in counters])
