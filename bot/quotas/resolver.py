"""Which limits apply to a requester, and whose use each of them counts.

Several apply at once. The exceptions are all about one member in one guild: of the limits for their roles the most
generous one applies, and a role without a limit (or that very member without one) exempts them from role and member
limits. Their use in a guild is counted all the same, over all roles, so that a role that comes or goes neither takes
nor gives back what was used.

Counters of members outlive the deletion of a member's data until they expire, so they never hold a member's id: only an
HMAC-SHA256 of it under a key made from the bot's token. With another token the counters of members start from zero.
"""

import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final

from bot.clock import unix_ms
from bot.context import RequestContext
from bot.store.quota_limits import Kind, Limit, Period, QuotaLookup, Scope
from bot.store.usage import Claim, LimitExceeded, UsageCounter

KEY_LABEL: Final = b"subjects of counts, 1"
"""What the key is for; another number makes another key."""

BITS: Final = 63
"""As many as a database's integer has without its sign."""


def derive_key(token: str) -> bytes:
    """Return the key for `keyed_hash`, made from the bot's token."""
    return hmac.digest(token.encode(), KEY_LABEL, "sha256")


def keyed_hash(key: bytes, *words: str | int) -> int:
    """Return the number from 0 to 2^63 - 1 for `words` (a purpose and ids, without spaces) under `key`."""
    digest = hmac.digest(key, " ".join(map(str, words)).encode(), "sha256")
    return int.from_bytes(digest[:8]) >> (64 - BITS)


class UsageKeys:
    """The numbers under which members' use is counted, and the erasure of their data is recorded."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def member_key(self, user_id: int) -> int:
        """Return the key of a member over all guilds."""
        return keyed_hash(self._key, "member", user_id)

    def guild_member_key(self, guild_id: int, user_id: int) -> int:
        """Return the key of a member in one guild."""
        return keyed_hash(self._key, "here", guild_id, user_id)

    def erasure_key(self, user_id: int) -> int:
        """Return the key of a member who had their data deleted."""
        return keyed_hash(self._key, "forgotten", user_id)

    def dm_key(self, user_id: int) -> int:
        """Return the key of a member's direct messages, which count as a guild of their own."""
        return keyed_hash(self._key, "direct", user_id)


class UsageScope(StrEnum):
    """Whose use is counted together; part of the counter's key in the store."""

    MEMBER = "member"
    """A member over all guilds and direct messages."""
    MEMBER_HERE = "member_here"
    """A member in one guild."""
    CHANNEL = "channel"
    """A channel with its threads."""
    SERVER = "server"
    DIRECT = "direct"
    """A member's direct messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLimits:
    """The operator's limits, all per day: numbers, or None for unlimited."""

    member_messages: int | None
    member_speech_characters: int | None
    member_images: int | None
    server_messages: int | None
    server_tokens: int | None
    server_speech_characters: int | None
    server_images: int | None

    @cache  # noqa: B019 – one for each set of settings, so one in a program; used by each request
    def member_limits(self) -> Sequence[Limit]:
        """Return the limits of each member, who is counted once over all guilds and direct messages."""
        return (
            _daily_limit(Scope.MEMBER, Kind.MESSAGES, self.member_messages),
            _daily_limit(Scope.MEMBER, Kind.SPEECH_CHARACTERS, self.member_speech_characters),
            _daily_limit(Scope.MEMBER, Kind.IMAGES, self.member_images),
        )

    @cache  # noqa: B019 – as above
    def server_limits(self) -> Sequence[Limit]:
        """Return the limits of each guild, and of each member's direct messages, which count as one."""
        return (
            _daily_limit(Scope.SERVER, Kind.MESSAGES, self.server_messages),
            _daily_limit(Scope.SERVER, Kind.TOKENS, self.server_tokens),
            _daily_limit(Scope.SERVER, Kind.SPEECH_CHARACTERS, self.server_speech_characters),
            _daily_limit(Scope.SERVER, Kind.IMAGES, self.server_images),
        )


def _daily_limit(scope: Scope, kind: Kind, max_amount: int | None) -> Limit:
    return Limit(scope, None, kind, Period.DAY, max_amount)


@dataclass(frozen=True, slots=True)
class ApplicableLimit:
    """A limit as it applies to a requester: `subject` is whose use in `usage_scope` counts; `exempt`: none is refused.

    `guild_id` is the guild that a member's or role's limit is from.
    """

    limit: Limit
    usage_scope: UsageScope
    subject: int
    guild_id: int | None = None
    exempt: bool = False

    @property
    def key(self) -> str:
        """Return what distinguishes it from other limits of the same requester."""
        return ":".join(map(str, (self.usage_scope, self.subject, self.limit.kind, self.limit.per, self.limit.target)))

    @property
    def max_amount(self) -> int | None:
        """Return how much there is; None when nothing is refused."""
        return None if self.exempt else self.limit.max_amount


def list_applicable_limits(
    requester: RequestContext,
    stored: Sequence[Limit],
    operator_limits: OperatorLimits,
    usage_keys: UsageKeys,
    kinds: Collection[Kind] = tuple(Kind),
) -> list[ApplicableLimit]:
    """Return all limits on `requester`'s use of `kinds` where they are, the member's own first.

    `stored` are the limits of the requester's guild, of all targets or only of those that can concern the requester.
    """
    own = [limit for limit in operator_limits.member_limits() if limit.kind in kinds]
    shared = [limit for limit in operator_limits.server_limits() if limit.kind in kinds]
    member = usage_keys.member_key(requester.user_id)
    found = [ApplicableLimit(limit, UsageScope.MEMBER, member) for limit in own]
    if requester.guild_id is None:
        direct = usage_keys.dm_key(requester.user_id)
        return found + [ApplicableLimit(limit, UsageScope.DIRECT, direct) for limit in shared]
    stored = [limit for limit in stored if limit.kind in kinds]
    if stored:
        found += _of_member(stored, requester, usage_keys.guild_member_key(requester.guild_id, requester.user_id))
        found += _of_channel(stored, requester.settings_channel_id)
    found += [
        ApplicableLimit(limit, UsageScope.SERVER, requester.guild_id) for limit in stored if limit.scope is Scope.SERVER
    ]
    return found + [ApplicableLimit(limit, UsageScope.SERVER, requester.guild_id) for limit in shared]


def _of_channel(stored: Iterable[Limit], channel_id: int) -> Iterator[ApplicableLimit]:
    for limit in stored:
        if limit.scope is Scope.CHANNEL and limit.target in (None, channel_id):
            yield ApplicableLimit(limit, UsageScope.CHANNEL, channel_id)


def _of_member(stored: Iterable[Limit], requester: RequestContext, subject: int) -> Iterator[ApplicableLimit]:
    """Yield the member and role limits, exempt where something exempts the member from their kind."""
    own = [limit for limit in stored if limit.scope is Scope.MEMBER and limit.target in (None, subject)]
    roles = [limit for limit in stored if limit.scope is Scope.ROLE and limit.target in requester.role_ids]
    targeted = [*roles, *(limit for limit in own if limit.target is not None)]
    exempt: set[Kind] = {limit.kind for limit in targeted if limit.max_amount is None}
    for limit in [*own, *_most_generous(roles)]:
        is_exempt = limit.kind in exempt and limit.max_amount is not None
        yield ApplicableLimit(limit, UsageScope.MEMBER_HERE, subject, requester.guild_id, exempt=is_exempt)


def _most_generous(roles: Iterable[Limit]) -> Iterable[Limit]:
    """Return, for each kind and period, the limit with the highest amount."""
    best: dict[tuple[str, str], Limit] = {}
    for limit in roles:
        other = best.setdefault((limit.kind, limit.per), limit)
        if other.max_amount is not None and (limit.max_amount is None or limit.max_amount > other.max_amount):
            best[limit.kind, limit.per] = limit
    return best.values()


class LimitResolver:
    """The counters that `requester`'s use of `kinds` at `moment` is charged to, and the strictest limit on each.

    The stored limits are looked up by `lookup`, in the transaction that acts on them, and handed to `resolve`.
    """

    def __init__(
        self,
        requester: RequestContext,
        moment: datetime,
        kinds: Collection[Kind],
        operator_limits: OperatorLimits,
        usage_keys: UsageKeys,
    ) -> None:
        self.moment = moment
        self.lookup = _build_lookup(requester, usage_keys)
        self.strictest: dict[UsageCounter, ApplicableLimit] = {}
        """Each counter with the strictest limit on it, as last resolved; the member's own first."""
        self._requester = requester
        self._kinds = kinds
        self._operator_limits = operator_limits
        self._usage_keys = usage_keys
        self._bounds_ms: dict[Period, tuple[int, int]] = {}

    def resolve(self, stored: Sequence[Limit]) -> dict[UsageCounter, ApplicableLimit]:
        """Return the counters, each with the strictest of the stored and the operator's limits on it."""
        self.strictest = {}
        for applicable in list_applicable_limits(
            self._requester, stored, self._operator_limits, self._usage_keys, self._kinds
        ):
            counter = self._build_counter(applicable)
            if counter not in self.strictest or _is_stricter(applicable, self.strictest[counter]):
                self.strictest[counter] = applicable
        return self.strictest

    def find_last_reset(self, exceeded: Iterable[LimitExceeded]) -> tuple[LimitExceeded, ApplicableLimit, datetime]:
        """Return, of the exceeded limits, the one that resets last, and when; of several, the member's own first."""
        by_counter = {over.claim.counter: over for over in exceeded}
        last = max(
            (counter for counter in self.strictest if counter in by_counter), key=lambda counter: counter.ends_at_ms
        )
        applicable = self.strictest[last]
        return by_counter[last], applicable, applicable.limit.per.end(self.moment)

    def _build_counter(self, applicable: ApplicableLimit) -> UsageCounter:
        """Return the counter of `applicable` for the period of the moment."""
        limit = applicable.limit
        if limit.per not in self._bounds_ms:
            start, end = limit.per.start(self.moment), limit.per.end(self.moment)
            self._bounds_ms[limit.per] = (unix_ms(start), unix_ms(end))
        return UsageCounter(
            applicable.usage_scope, applicable.subject, limit.kind, limit.per, *self._bounds_ms[limit.per]
        )


@dataclass(frozen=True, slots=True)
class LimitedClaims:
    """Claims of `amounts` on all counters of `resolver`, under the limits that are found when they are claimed."""

    resolver: LimitResolver
    amounts: Mapping[Kind, int]

    @property
    def lookup(self) -> QuotaLookup | None:
        """Where the limits are looked up."""
        return self.resolver.lookup

    def build(self, stored: Sequence[Limit]) -> list[Claim]:
        """Return the claims under the limits that were found, sorted by counter."""
        return [
            Claim(counter, self.amounts[applicable.limit.kind], applicable.max_amount)
            for counter, applicable in sorted(self.resolver.resolve(stored).items(), key=lambda each: each[0])
            if applicable.limit.kind in self.amounts
        ]


def next_counter(counter: UsageCounter) -> UsageCounter:
    """Return the counter of the same use for the next period."""
    ends_at_ms = _period_end_ms(counter.ends_at_ms, counter.period)
    return UsageCounter(counter.scope, counter.subject, counter.kind, counter.period, counter.ends_at_ms, ends_at_ms)


@lru_cache(maxsize=16)
def _period_end_ms(starts_at_ms: int, per: str) -> int:
    return unix_ms(Period(per).end(datetime.fromtimestamp(starts_at_ms / 1000, UTC)))


def _is_stricter(one: ApplicableLimit, other: ApplicableLimit) -> bool:
    """Return whether `one` is stricter than `other`; of those without a limit, one that exempts."""
    if one.max_amount is None:
        return other.exempt and not one.exempt
    return other.max_amount is None or one.max_amount < other.max_amount


def _build_lookup(requester: RequestContext, usage_keys: UsageKeys) -> QuotaLookup | None:
    """Return what to look stored limits up by; direct messages have only the operator's."""
    if requester.guild_id is None:
        return None
    return QuotaLookup(
        requester.guild_id,
        requester.settings_channel_id,
        usage_keys.guild_member_key(requester.guild_id, requester.user_id),
    )
