"""How much of each limit is gone, for whoever asks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.context import Permission, RequestContext
from bot.quotas.limits import Kind, Limit, OperatorLimits, Period, window_end
from bot.quotas.pseudonyms import UsageKeys
from bot.quotas.resolver import ApplicableLimit, LimitResolver, UsageScope
from bot.store.database import Database
from bot.store.quota_limits import StoredLimit
from bot.store.usage import UsageCounter, UsageStore


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A rule that binds a requester, what of it is gone (settled and reserved), and when it starts again.

    Where several rules share a count, the strictest stands for all: the others can refuse nothing.
    """

    binding: ApplicableLimit
    used: int
    resets_at: datetime

    @property
    def rule(self) -> Limit:
        """The rule as it was set."""
        return self.binding.rule


class UsageReader:
    """Reads what the ledgers of all processes have written, under the same rules."""

    def __init__(self, database: Database, ceilings: OperatorLimits, subjects: UsageKeys, clock: Clock) -> None:
        self._spending = UsageStore(database)
        self._ceilings = ceilings
        self._subjects = subjects
        self._clock = clock

    async def of_caller(self, requester: RequestContext) -> list[UsageLine]:
        """Tell the standing of everything that binds `requester` where they are, their own first.

        Raises:
            StoreUnavailable: the store cannot be read just now.
        """
        return await self._read(requester, tuple(UsageScope))

    async def of_server(self, requester: RequestContext) -> list[UsageLine]:
        """Tell the standing of what binds the server that `requester` is in as a whole, or their direct messages.

        Raises:
            MissingPermission: the requester may not see it.
            StoreUnavailable: the store cannot be read just now.
        """
        requester.require(Permission.MANAGE_SERVER)
        return await self._read(requester, (UsageScope.SERVER, UsageScope.DIRECT))

    async def _read(self, requester: RequestContext, pools: Collection[UsageScope]) -> list[UsageLine]:
        plan = LimitResolver(requester, self._clock.now(), tuple(Kind), self._ceilings, self._subjects)
        shown: list[UsageCounter] = []

        def lay(stored: Sequence[StoredLimit]) -> Sequence[UsageCounter]:
            shown[:] = [
                window
                for window, binding in plan.windows(stored).items()
                if binding.pool in pools and not binding.exempt
            ]
            return shown

        used = await self._spending.used(plan.place, lay)
        return [
            UsageLine(plan.named[window], amount, window_end(Period(window.per), plan.moment))
            for window, amount in zip(shown, used, strict=True)
        ]
