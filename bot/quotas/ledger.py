"""The ledger: reserve before the work, settle or release after it, exact whatever runs at once.

A reservation bears the process that made it and a lease. While a process lives it renews its leases; once it has
died they run out, and any process gives back what was held.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.caller import Caller
from bot.clock import Clock, unix_ms
from bot.errors import QuotaSpent, StoreUnavailable
from bot.quotas.reservation import Reservation
from bot.quotas.rules import Ceilings, Kind, Rule
from bot.quotas.windows import window_end, window_start
from bot.quotas.wording import refusal
from bot.store.database import Database
from bot.store.spending import Claim, Overdraw, Spending, UsageWindow

LEASE_S = 60
RENEW_EVERY_S = 15
"""Three renewals may fail before a lease runs out."""

BEATS_PER_SWEEP = 2
"""Expired leases are freed every second renewal: every 30 s."""

LONGEST_WORK = timedelta(hours=1)
"""A reservation older than this is no longer renewed: no answer takes as long, so it was forgotten."""

FREED_KEPT = timedelta(days=1)
"""How long a reservation freed by expiry can still be settled."""

WINDOWS_KEPT = timedelta(days=35)
"""How long a window's count is kept after its end."""

LARGEST_AMOUNT = 10**12
"""More than this in one settlement is a broken count, and would in the end not fit a database integer."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A rule that binds a caller, what of it is gone (settled and reserved), and when it starts again."""

    rule: Rule
    used: int
    resets_at: datetime


class Ledger:
    """What callers have spent and hold reserved, under the operator's ceilings.

    `process` names this run of the program among all that use the database: a fresh random text.
    """

    def __init__(self, database: Database, ceilings: Ceilings, clock: Clock, *, process: str) -> None:
        self._spending = Spending(database)
        self._ceilings = ceilings
        self._clock = clock
        self._process = process
        self._tasks: set[asyncio.Task[Any]] = set()  # Any: none of their results is used from here.
        self._unsettled: dict[int, dict[int, int]] = {}

    async def reserve(self, caller: Caller, amounts: Mapping[Kind, int]) -> Reservation:
        """Hold back `amounts` under every rule of those kinds that binds `caller`, in the windows of this moment.

        Enter the reservation with `async with`, or end it by `settle` or `release`. A kind whose amount is 0 can be
        settled later but is refused only where its limit has been passed already. When the caller of this method is
        cancelled, whatever comes to be reserved is released again.

        Raises:
            QuotaSpent: a limit would be passed; of several, the one that starts again last.
            StoreUnavailable: the store cannot be used just now; nothing is reserved.
        """
        now = self._clock.now()
        rules = {_window(rule, now): rule for rule in self._ceilings.rules_for(caller) if rule.kind in amounts}
        claims = tuple(Claim(window, amounts[rules[window].kind], rules[window].limit) for window in sorted(rules))
        reservation = Reservation(secrets.randbits(63), claims, amounts, self._finish)
        reservation.check(amounts)
        granting = self._own(
            self._spending.reserve(
                reservation.id,
                claims,
                process=self._process,
                now_ms=unix_ms(now),
                lease_until_ms=unix_ms(now + timedelta(seconds=LEASE_S)),
            )
        )
        try:
            await asyncio.wait({granting})
        except asyncio.CancelledError:
            self._own(self._undo(granting, reservation))
            raise
        if overdrawn := granting.result():
            last = max(overdrawn, key=lambda over: over.claim.window.ends_at_ms)
            raise _refused(rules[last.claim.window], last, window_end(rules[last.claim.window].per, now))
        return reservation

    async def settle(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation`: count `amounts`, which may be less or more than reserved, and give the rest back.

        Counted in the windows it was reserved in, also after their end or the lease's. The first call for a
        reservation is carried out whatever happens to its caller; a later one does nothing. When the store cannot be
        used the ledger tries again with every beat, so this raises no StoreUnavailable: the work is done by now.

        Raises:
            ValueError: a kind that was not reserved, or a negative amount.
        """
        reservation.check(amounts)
        await self._finish(reservation, amounts)

    async def release(self, reservation: Reservation) -> None:
        """End `reservation` and give all of it back: nothing was spent. Does nothing once it has been ended."""
        await self._finish(reservation, {})

    async def usage(self, caller: Caller) -> list[UsageLine]:
        """Tell the standing of every rule that binds `caller` where they are.

        Raises:
            StoreUnavailable: the store cannot be read just now.
        """
        return await self._lines(self._ceilings.rules_for(caller))

    async def usage_of_server(self, caller: Caller) -> list[UsageLine]:
        """Tell the standing of the rules of the server that `caller` is in, or of their direct messages.

        Raises:
            StoreUnavailable: the store cannot be read just now.
        """
        return await self._lines(self._ceilings.server_rules_for(caller))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the leases alive for as long as the block runs; what has expired is freed first.

        Leave it when all work that reserves has ended, and before the database closes.

        Raises:
            StoreUnavailable: the store cannot be used at the start.
        """
        await self.free_expired()
        beating = asyncio.create_task(self._beat(), name="ledger beat")
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait({beating})
            while self._tasks:
                await asyncio.wait(self._tasks)
            await self._settle_late()

    async def free_expired(self) -> None:
        """Give back what dead processes hold, and forget what is long past.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        now = self._clock.now()
        if freed := await self._spending.free_expired(unix_ms(now)):
            logger.warning("reservations freed whose lease ran out count=%d", freed)
        await self._spending.forget(
            freed_before_ms=unix_ms(now - FREED_KEPT), ended_before_ms=unix_ms(now - WINDOWS_KEPT)
        )

    async def renew(self) -> None:
        """Lengthen the leases of all of this process's reservations.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        now = self._clock.now()
        await self._spending.renew(
            self._process,
            reserved_after_ms=unix_ms(now - LONGEST_WORK),
            lease_until_ms=unix_ms(now + timedelta(seconds=LEASE_S)),
        )

    async def _beat(self) -> None:
        """Renew, settle what could not be settled before and free what expired, for ever."""
        beat = 0
        while True:
            await self._clock.sleep(RENEW_EVERY_S)
            beat += 1
            try:
                await self._settle_late()
                await self.renew()
                if beat % BEATS_PER_SWEEP == 0:
                    await self.free_expired()
            except StoreUnavailable as error:
                logger.warning("ledger beat missed fault=%s", error)
            except Exception:
                # Without the beat this process would lose its leases: whatever went wrong, go on.
                logger.exception("ledger beat failed")

    async def _finish(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation` once: note what is to be counted, and see it through in a task of the ledger's own."""
        if reservation.ended:
            return
        reservation.ended = True
        self._unsettled[reservation.id] = {
            position: min(amounts.get(Kind(claim.window.kind), 0), LARGEST_AMOUNT)
            for position, claim in enumerate(reservation.claims)
        }
        settling = self._own(self._settle(reservation.id, self._unsettled[reservation.id]))
        await asyncio.wait({settling})
        settling.result()

    async def _settle(self, reservation_id: int, spent: Mapping[int, int]) -> None:
        """Count what was noted for a reservation, or leave it noted for the next beat."""
        try:
            await self._spending.settle(reservation_id, spent)
        except StoreUnavailable as error:
            logger.warning("reservation to be settled later id=%d fault=%s", reservation_id, error)
        else:
            self._unsettled.pop(reservation_id, None)

    async def _settle_late(self) -> None:
        for reservation_id, spent in list(self._unsettled.items()):
            await self._settle(reservation_id, spent)

    async def _undo(self, granting: asyncio.Task[list[Overdraw]], reservation: Reservation) -> None:
        """Release what comes to be reserved after its caller was cancelled."""
        try:
            overdrawn = await granting
        except StoreUnavailable:
            return  # logged where it happened; nothing was reserved
        if not overdrawn:
            await self._finish(reservation, {})

    async def _lines(self, rules: Sequence[Rule]) -> list[UsageLine]:
        now = self._clock.now()
        used = await self._spending.used([_window(rule, now) for rule in rules])
        return [UsageLine(rule, amount, window_end(rule.per, now)) for rule, amount in zip(rules, used, strict=True)]

    def _own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:  # Any: what a coroutine sends and is sent.
        """Start a task that nobody outside can cancel; `running` waits for it at the end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _window(rule: Rule, moment: datetime) -> UsageWindow:
    """Give the window of `rule` that `moment` lies in."""
    starts_at, ends_at = window_start(rule.per, moment), window_end(rule.per, moment)
    return UsageWindow(rule.scope, rule.subject, rule.kind, rule.per, unix_ms(starts_at), unix_ms(ends_at))


def _refused(rule: Rule, over: Overdraw, resets_at: datetime) -> QuotaSpent:
    sentence = refusal(rule, used=over.used, wanted=over.claim.amount, resets_at=resets_at)
    return QuotaSpent(sentence, resets_at=resets_at)
