"""How much of each limit is used."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.context import Permission, RequestContext
from bot.quotas.resolver import ApplicableLimit, LimitedClaims, LimitResolver, OperatorLimits, UsageKeys, UsageScope
from bot.store.database import Database
from bot.store.quota_limits import Kind, Limit
from bot.store.usage import UsageStore


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A limit on a requester, how much of it is used (settled and reserved), and when it resets.

    Where several limits share a counter, only the strictest is listed: the others can refuse nothing.
    """

    applicable: ApplicableLimit
    used: int
    resets_at: datetime

    @property
    def limit(self) -> Limit:
        """Return the limit as it was set."""
        return self.applicable.limit


class UsageReader:
    """Reads what the ledgers of all processes have counted, under the same limits."""

    def __init__(
        self, database: Database, operator_limits: OperatorLimits, usage_keys: UsageKeys, clock: Clock
    ) -> None:
        self._usage = UsageStore(database)
        self._operator_limits = operator_limits
        self._usage_keys = usage_keys
        self._clock = clock

    async def list_for_requester(self, requester: RequestContext) -> list[UsageLine]:
        """Return the use of all limits on `requester` where they are, their own first.

        Raises:
            StoreUnavailable: the store cannot be read at the moment.
        """
        return await self._read(requester, tuple(UsageScope))

    async def list_for_guild(self, requester: RequestContext) -> list[UsageLine]:
        """Return the use of the limits on the requester's whole guild, or on their direct messages.

        Raises:
            MissingPermission: the requester may not see that.
            StoreUnavailable: the store cannot be read at the moment.
        """
        requester.require(Permission.MANAGE_SERVER)
        return await self._read(requester, (UsageScope.SERVER, UsageScope.DIRECT))

    async def _read(self, requester: RequestContext, usage_scopes: Collection[UsageScope]) -> list[UsageLine]:
        resolver = LimitResolver(requester, self._clock.now(), tuple(Kind), self._operator_limits, self._usage_keys)
        used = await self._usage.get_used(LimitedClaims(resolver, dict.fromkeys(Kind, 0)))
        return [
            UsageLine(applicable, used[counter], applicable.limit.per.end(resolver.moment))
            for counter, applicable in resolver.strictest.items()
            if applicable.usage_scope in usage_scopes and not applicable.exempt
        ]
