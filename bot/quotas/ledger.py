"""The ledger: reserve before the work, settle or release after it, exact whatever runs at once.

A reservation bears the process that made it and a lease. While a process lives it renews its leases; once it has
died they run out, and any process gives back what was held, less what is due of it.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import BotError, QuotaExceeded, StoreUnavailable
from bot.messages.message import plain
from bot.quotas.limit_text import refusal, stopped
from bot.quotas.limits import Kind, OperatorLimits, Period, window_end
from bot.quotas.pseudonyms import UsageKeys
from bot.quotas.reservation import Reservation, TokenBudget
from bot.quotas.resolver import ApplicableLimit, LimitResolver
from bot.store.database import Database
from bot.store.quota_limits import StoredLimit
from bot.store.usage import Claim, LimitExceeded, Spent, UsageCounter, UsageStore

LEASE_S = 60
RENEW_EVERY_S = 15
"""Three renewals may fail before a lease runs out."""

BEATS_PER_SWEEP = 2
"""Expired leases are freed every second renewal: every 30 s."""

LONGEST_WORK_S = 3600
"""A reservation older than this is given back: no answer takes as long, so it was forgotten."""

FREED_KEPT = timedelta(days=1)
"""How long a reservation freed by expiry can still be settled."""

WINDOWS_KEPT = timedelta(days=1)
"""How long a window's count is kept after its end: no longer, since it may be of a member who wants to be forgotten."""

LARGEST_AMOUNT = 10**12
"""More than this in one settlement is a broken count, and would in the end not fit a database integer."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Ledger:
    """What requesters have spent and hold reserved, under the operator's ceilings and the moderators' rules.

    `process` names this run of the program among all that use the database: a fresh random text. `is_alive` tells of
    another one whether it lives, or None where that is not known and its leases have to tell.
    """

    def __init__(
        self,
        database: Database,
        ceilings: OperatorLimits,
        subjects: UsageKeys,
        clock: Clock,
        *,
        process: str,
        is_alive: Callable[[str], bool | None] = lambda _: None,
    ) -> None:
        self._spending = UsageStore(database)
        self._ceilings = ceilings
        self._subjects = subjects
        self._clock = clock
        self._process = process
        self._is_alive = is_alive
        self._reserved_at: dict[int, float] = {}
        """When each reservation of this process that has not ended was made, in monotonic seconds."""
        self._tasks: set[asyncio.Task[Any]] = set()  # Any: none of their results is used from here.
        self._unsettled: dict[int, Sequence[Spent]] = {}

    async def reserve(self, requester: RequestContext, amounts: Mapping[Kind, int]) -> Reservation:
        """Hold back `amounts` under every rule of those kinds that binds `requester`, in the windows of this moment.

        Enter the reservation with `async with`, or end it by `settle` or `release`. A kind whose amount is 0 can be
        settled later but is refused only where its limit has been passed already. When the caller of this method is
        cancelled, whatever comes to be reserved is released again.

        Raises:
            QuotaExceeded: a limit would be passed; of several, the one that starts again last.
            StoreUnavailable: the store cannot be used just now; nothing is reserved.
        """
        plan = self._plan(requester, amounts)
        reservation = Reservation(secrets.randbits(63), plan, amounts, self._finish)
        reservation.check(amounts)
        granting = self._own(self._grant(reservation))
        try:
            await asyncio.wait({granting})
        except asyncio.CancelledError:
            self._own(self._undo(granting, reservation))
            raise
        if overdrawn := granting.result():
            over, binding, resets_at = _last_to_reset(plan, overdrawn)
            sentence = refusal(binding, used=over.used, wanted=over.claim.amount, resets_at=resets_at)
            raise QuotaExceeded(plain(sentence), resets_at=resets_at, rule=binding.name)
        return reservation

    def allowance(self, reservation: Reservation, kind: Kind) -> TokenBudget:
        """Let the amount of `kind` that is reserved grow with the work, a block at a time."""
        return TokenBudget(reservation.amounts[kind], lambda more: self._own(self._grow(reservation, kind, more)))

    async def owe(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """Write down what `reservation` costs at least from now on, should this process die.

        What its allowance grows by later is added, save the last block. Where the store cannot be used nothing is
        written down, and a process that dies owes nothing.

        Raises:
            ValueError: a kind that was not reserved, or a negative amount.
        """
        reservation.check(amounts)
        due = {
            position: min(amounts[Kind(claim.window.kind)], LARGEST_AMOUNT)
            for position, claim in enumerate(reservation.claims)
            if claim.window.kind in amounts
        }
        await asyncio.wait({self._own(self._owe(reservation.id, due))})

    async def settle(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation`: count `amounts`, which may be less or more than reserved, and give the rest back.

        Counted in the windows it was reserved in, also after their end or the lease's. What is more than was reserved
        and finds no room under a limit is charged to the window that follows. The first call for a
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
        now_ms = unix_ms(self._clock.discord_now())
        for process in await self._spending.late_processes(now_ms):
            if self._is_dead(process):
                await self._free(process, now_ms)
        await self._forget()

    async def free_dead(self, process: str) -> None:
        """Give back what a process holds that is known to be dead, without waiting for its leases to run out.

        Raises:
            StoreUnavailable: the store cannot be used just now; the leases run out all the same.
        """
        if await self._spending.expire(process):
            await self._free(process, unix_ms(self._clock.discord_now()))

    async def _free(self, process: str, now_ms: int) -> None:
        if freed := await self._spending.free_expired(process, now_ms):
            logger.warning("reservations freed whose lease ran out count=%d", freed)

    def _is_dead(self, process: str) -> bool:
        """Return whether a process whose leases ran out is dead. Its own lock is believed before any clock."""
        alive = process == self._process or self._is_alive(process)
        return self._clock.agrees_with_discord() if alive is None else not alive

    async def _forget(self) -> None:
        """Forget what is long past, while the clock is known to be right."""
        if self._clock.agrees_with_discord():
            now = self._clock.discord_now()
            await self._spending.forget(
                freed_before_ms=unix_ms(now - FREED_KEPT), ended_before_ms=unix_ms(now - WINDOWS_KEPT)
            )

    async def _give_up_forgotten(self) -> None:
        """Give back what this process has held for longer than any work takes."""
        before = self._clock.monotonic() - LONGEST_WORK_S
        for reservation_id in [each for each, since in self._reserved_at.items() if since <= before]:
            if await self._spending.give_up(reservation_id, unix_ms(self._clock.discord_now())):
                logger.warning("a reservation freed that nobody ended id=%d", reservation_id)
            self._reserved_at.pop(reservation_id, None)

    async def renew(self) -> None:
        """Lengthen the leases of all of this process's reservations.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        await self._spending.renew(self._process, lease_until_ms=self._lease_until_ms())

    async def _beat(self) -> None:
        """Renew, settle what could not be settled before and free what expired, for ever."""
        beat = 0
        while True:
            await self._clock.sleep(RENEW_EVERY_S)
            beat += 1
            try:
                await self._settle_late()
                await self._give_up_forgotten()
                await self.renew()
                if beat % BEATS_PER_SWEEP == 0:
                    await self.free_expired()
            except StoreUnavailable as error:
                logger.warning("ledger beat missed fault=%s", error)
            except Exception:
                # Without the beat this process would lose its leases: whatever went wrong, go on.
                logger.exception("ledger beat failed")

    def _plan(self, requester: RequestContext, kinds: Collection[Kind]) -> LimitResolver:
        return LimitResolver(requester, self._clock.now(), kinds, self._ceilings, self._subjects)

    async def _grant(self, reservation: Reservation) -> Sequence[LimitExceeded]:
        """Hold back what `reservation` is for; give what stands against it."""
        granted = await self._spending.reserve(
            reservation.id,
            reservation.plan.place,
            lambda stored: _claims(reservation.plan, stored, reservation.amounts),
            process=self._process,
            now_ms=unix_ms(self._clock.discord_now()),
            lease_until_ms=self._lease_until_ms(),
        )
        reservation.claims = granted.claims
        if not granted.overdrawn:
            self._reserved_at[reservation.id] = self._clock.monotonic()
        return granted.overdrawn

    def _lease_until_ms(self) -> int:
        return unix_ms(self._clock.discord_now() + timedelta(seconds=LEASE_S))

    async def _grow(self, reservation: Reservation, kind: Kind, more: int) -> BotError | None:
        """Hold back `more` of `kind` for a reservation; give what stands against it, and then nothing has changed."""
        held = {position: claim for position, claim in enumerate(reservation.claims) if claim.window.kind == kind}
        plan = reservation.plan
        try:
            granted = await self._spending.grow(
                reservation.id,
                plan.place,
                lambda stored: _claims(plan, stored, {kind: more}),
                held,
                more,
                lease_until_ms=self._lease_until_ms(),
            )
        except StoreUnavailable as error:
            return error
        if granted.overdrawn:
            _, binding, resets_at = _last_to_reset(plan, granted.overdrawn)
            return QuotaExceeded(plain(stopped(binding, resets_at=resets_at)), resets_at=resets_at)
        grown = dict(zip(held, granted.claims, strict=True))
        reservation.claims = [grown.get(position, claim) for position, claim in enumerate(reservation.claims)]
        reservation.amounts[kind] += more
        self._reserved_at.setdefault(reservation.id, self._clock.monotonic())  # it may have been given up before
        return None

    async def _finish(self, reservation: Reservation, amounts: Mapping[Kind, int]) -> None:
        """End `reservation` once: note what is to be counted, and see it through in a task of the ledger's own."""
        if reservation.ended:
            return
        reservation.ended = True
        self._reserved_at.pop(reservation.id, None)
        self._unsettled[reservation.id] = [
            Spent(min(amounts.get(Kind(claim.window.kind), 0), LARGEST_AMOUNT), claim.limit, _following(claim.window))
            for claim in reservation.claims
        ]
        settling = self._own(self._settle(reservation.id, self._unsettled[reservation.id]))
        await asyncio.wait({settling})
        settling.result()

    async def _owe(self, reservation_id: int, due: Mapping[int, int]) -> None:
        try:
            await self._spending.owe(reservation_id, due)
        except StoreUnavailable as error:
            # Needed only if the process dies now: whoever spends it settles it.
            logger.warning("amounts due not noted id=%d fault=%s", reservation_id, error)

    async def _settle(self, reservation_id: int, spent: Sequence[Spent]) -> None:
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

    async def _undo(self, granting: asyncio.Task[Sequence[LimitExceeded]], reservation: Reservation) -> None:
        """Release what comes to be reserved after its caller was cancelled."""
        try:
            overdrawn = await granting
        except StoreUnavailable:
            return  # logged where it happened; nothing was reserved
        if not overdrawn:
            await self._finish(reservation, {})

    def _own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:  # Any: what a coroutine sends and is sent.
        """Start a task that nobody outside can cancel; `running` waits for it at the end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _claims(plan: LimitResolver, stored: Sequence[StoredLimit], amounts: Mapping[Kind, int]) -> list[Claim]:
    """Claim `amounts` in all windows of `plan` that are of their kinds, sorted."""
    wanted = [(window, binding) for window, binding in plan.windows(stored).items() if binding.rule.kind in amounts]
    return [
        Claim(window, amounts[binding.rule.kind], binding.limit)
        for window, binding in sorted(wanted, key=lambda each: each[0])
    ]


def _last_to_reset(
    plan: LimitResolver, overdrawn: Sequence[LimitExceeded]
) -> tuple[LimitExceeded, ApplicableLimit, datetime]:
    """Of the limits in the way, choose the one that starts again last; of several, the one nearest the member."""
    by_window = {over.claim.window: over for over in overdrawn}
    last = max((window for window in plan.named if window in by_window), key=lambda window: window.ends_at_ms)
    binding = plan.named[last]
    return by_window[last], binding, window_end(binding.rule.per, plan.moment)


def _following(window: UsageCounter) -> UsageCounter:
    """Give the window of the same count that begins when this one ends."""
    ends_at_ms = _end_of_window_from(window.ends_at_ms, window.per)
    return UsageCounter(window.scope, window.subject, window.kind, window.per, window.ends_at_ms, ends_at_ms)


@lru_cache(maxsize=16)
def _end_of_window_from(starts_at_ms: int, per: str) -> int:
    return unix_ms(window_end(Period(per), datetime.fromtimestamp(starts_at_ms / 1000, UTC)))
