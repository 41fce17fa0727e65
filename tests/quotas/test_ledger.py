import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from bot.context import RequestContext
from bot.errors import QuotaExceeded, StoreUnavailable
from bot.messages.render import render
from bot.quotas.ledger import MAX_AMOUNT, UNHELD_AFTER_S, Ledger
from bot.quotas.resolver import OperatorLimits
from bot.quotas.token_budget import BLOCK_TOKENS
from bot.quotas.usage import UsageReader
from bot.store.database import Database, Row, Transaction, Work
from bot.store.quota_limits import Kind, Scope
from tests.support.clock import FakeClock
from tests.support.quotas import ANN, BEN, GUILD, UNLIMITED, USAGE_KEYS, FakeProcess, operator_limits, requester

T = TypeVar("T")

MESSAGE = {Kind.MESSAGES: 1}
LIMITS = operator_limits(member_images=10, server_images=15, member_messages=2)


def ledger_of(database: Database, clock: FakeClock, limits: OperatorLimits, process: str = "this process") -> Ledger:
    return Ledger(database, limits, USAGE_KEYS, clock, process=FakeProcess(process))


async def used(meter: UsageReader, kind: Kind, who: RequestContext | None = None, scope: Scope = Scope.SERVER) -> int:
    """Tell what `/usage` would: the use of one kind by the server or the member."""
    (line,) = [
        line
        for line in await meter.list_for_requester(who or requester())
        if line.limit.kind is kind and line.limit.scope is scope
    ]
    return line.used


@pytest.fixture
def ledger(database: Database, clock: FakeClock) -> Ledger:
    return ledger_of(database, clock, LIMITS)


@pytest.fixture
def meter(database: Database, clock: FakeClock) -> UsageReader:
    return UsageReader(database, LIMITS, USAGE_KEYS, clock)


async def test_what_was_spent_is_counted_and_the_rest_given_back(ledger: Ledger, meter: UsageReader) -> None:
    async with await ledger.reserve(requester(), {Kind.IMAGES: 4}) as reservation:
        assert await used(meter, Kind.IMAGES) == 4
        reservation.set_spent({Kind.IMAGES: 3})
    assert await used(meter, Kind.IMAGES) == 3
    assert await used(meter, Kind.IMAGES, scope=Scope.MEMBER) == 3


async def test_nothing_noted_is_nothing_spent(ledger: Ledger, meter: UsageReader) -> None:
    async with await ledger.reserve(requester(), {Kind.IMAGES: 4}):
        pass
    assert await used(meter, Kind.IMAGES) == 0


async def test_the_last_word_on_what_was_spent_counts(ledger: Ledger, meter: UsageReader) -> None:
    async with await ledger.reserve(requester(), {Kind.MESSAGES: 1, Kind.TOKENS: 900}) as reservation:
        reservation.set_spent({Kind.MESSAGES: 1, Kind.TOKENS: 100})
        reservation.set_spent({Kind.MESSAGES: 1, Kind.TOKENS: 250})
    assert (await used(meter, Kind.MESSAGES), await used(meter, Kind.TOKENS)) == (1, 250)


async def test_more_than_was_reserved_counts_as_far_as_there_is_room_and_then_in_the_next_window(
    ledger: Ledger, clock: FakeClock, meter: UsageReader
) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await ledger.settle(reservation, {Kind.IMAGES: 12})
    assert await used(meter, Kind.IMAGES, scope=Scope.MEMBER) == 10
    assert await used(meter, Kind.IMAGES) == 12
    with pytest.raises(QuotaExceeded):
        await ledger.reserve(requester(), {Kind.IMAGES: 1})
    await clock.advance(12 * 3600)
    assert await used(meter, Kind.IMAGES, scope=Scope.MEMBER) == 2
    assert await used(meter, Kind.IMAGES) == 0


async def test_an_error_in_the_work_settles_what_came_before_it(ledger: Ledger, meter: UsageReader) -> None:
    async def work() -> None:
        async with await ledger.reserve(requester(), {Kind.IMAGES: 4}) as reservation:
            reservation.set_spent({Kind.IMAGES: 1})
            raise LookupError

    with pytest.raises(LookupError):
        await work()
    assert await used(meter, Kind.IMAGES) == 1


async def test_a_stop_settles_what_came_before_it(ledger: Ledger, meter: UsageReader) -> None:
    under_way = asyncio.Event()

    async def work() -> None:
        async with await ledger.reserve(requester(), {Kind.IMAGES: 4}) as reservation:
            reservation.set_spent({Kind.IMAGES: 2})
            under_way.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await under_way.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await used(meter, Kind.IMAGES) == 2


async def test_ending_a_reservation_again_does_nothing(ledger: Ledger, meter: UsageReader) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await ledger.settle(reservation, {Kind.IMAGES: 4})
    await ledger.settle(reservation, {Kind.IMAGES: 4})
    await ledger.release(reservation)
    assert await used(meter, Kind.IMAGES) == 4


async def test_what_was_not_reserved_cannot_be_settled(ledger: Ledger) -> None:
    async with await ledger.reserve(requester(), {Kind.IMAGES: 4}) as reservation:
        with pytest.raises(ValueError, match="tokens was not reserved"):
            reservation.set_spent({Kind.TOKENS: 1})
        with pytest.raises(ValueError, match="-1 images"):
            reservation.set_spent({Kind.IMAGES: -1})
    with pytest.raises(ValueError, match="-4 images"):
        await ledger.reserve(requester(), {Kind.IMAGES: -4})


async def test_a_count_beyond_belief_is_bounded(ledger: Ledger, meter: UsageReader) -> None:
    reservation = await ledger.reserve(requester(), {Kind.TOKENS: 1})
    await ledger.settle(reservation, {Kind.TOKENS: 10**30})
    assert await used(meter, Kind.TOKENS) == MAX_AMOUNT


async def test_a_refusal_reserves_nothing_under_any_rule(ledger: Ledger, meter: UsageReader) -> None:
    await ledger.reserve(requester(BEN), {Kind.IMAGES: 8})
    with pytest.raises(QuotaExceeded, match="quota spent") as caught:
        await ledger.reserve(requester(ANN), {Kind.IMAGES: 8, Kind.TOKENS: 5})
    assert render(caught.value.message).startswith(
        "This needs 8 images, and this server's limit has 7 left: 15 images per day."
    )
    assert caught.value.resets_at == datetime(2026, 9, 2, tzinfo=UTC)
    assert await used(meter, Kind.IMAGES, requester(ANN), Scope.MEMBER) == 0
    assert await used(meter, Kind.TOKENS) == 0


async def test_of_several_limits_met_at_once_the_members_own_is_named(ledger: Ledger) -> None:
    with pytest.raises(QuotaExceeded) as caught:
        await ledger.reserve(requester(), {Kind.IMAGES: 16})
    assert "your limit is 10 images per day" in render(caught.value.message)


async def test_a_member_is_counted_once_over_servers_and_direct_messages(ledger: Ledger) -> None:
    await ledger.reserve(requester(guild_id=GUILD), MESSAGE)
    await ledger.reserve(requester(guild_id=GUILD + 1), MESSAGE)
    with pytest.raises(QuotaExceeded) as caught:
        await ledger.reserve(requester(guild_id=None), MESSAGE)
    assert render(caught.value.message).startswith("You've used your limit: 2 messages per day.")


async def test_direct_messages_of_two_members_are_two_servers(database: Database, clock: FakeClock) -> None:
    ledger = ledger_of(database, clock, operator_limits(server_images=1))
    await ledger.reserve(requester(ANN, None), {Kind.IMAGES: 1})
    await ledger.reserve(requester(BEN, None), {Kind.IMAGES: 1})
    with pytest.raises(QuotaExceeded) as caught:
        await ledger.reserve(requester(ANN, None), {Kind.IMAGES: 1})
    assert render(caught.value.message).startswith("You've used your limit for direct messages: 1 image per day.")


async def test_usage_shows_all_that_binds_the_member_here(ledger: Ledger, meter: UsageReader) -> None:
    await ledger.reserve(requester(), MESSAGE)
    lines = [
        (line.limit.scope, line.limit.kind, line.used, line.limit.max_amount)
        for line in await meter.list_for_requester(requester())
    ]
    assert (Scope.MEMBER, Kind.MESSAGES, 1, 2) in lines
    assert (Scope.SERVER, Kind.MESSAGES, 1, None) in lines
    assert len(lines) == 7
    assert {line.limit.scope for line in await meter.list_for_guild(requester())} == {Scope.SERVER}


async def test_an_answer_over_midnight_counts_for_the_day_it_began(
    ledger: Ledger, clock: FakeClock, meter: UsageReader
) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await clock.advance(12 * 3600)
    assert await used(meter, Kind.IMAGES) == 0
    await ledger.settle(reservation, {Kind.IMAGES: 3})
    assert await used(meter, Kind.IMAGES) == 0
    await clock.advance(-3600)  # back to look at the day before
    assert await used(meter, Kind.IMAGES) == 3


async def test_a_new_day_starts_anew(ledger: Ledger, clock: FakeClock, meter: UsageReader) -> None:
    for _ in range(2):
        await ledger.settle(await ledger.reserve(requester(), MESSAGE), MESSAGE)
    await clock.advance(12 * 3600 - 1)
    with pytest.raises(QuotaExceeded):
        await ledger.reserve(requester(), MESSAGE)
    await clock.advance(1)
    await ledger.reserve(requester(), MESSAGE)
    assert await used(meter, Kind.MESSAGES) == 1


async def test_a_dead_process_gives_back_what_it_held(
    ledger: Ledger, database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 8})
    await ledger_of(database, clock, UNLIMITED, "the next process").free_dead("this process")
    assert await used(meter, Kind.IMAGES) == 0
    assert not reservation.ended


async def test_a_living_process_keeps_what_it_holds(
    ledger: Ledger, database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    other = ledger_of(database, clock, UNLIMITED, "a sibling")
    reservations = [await each.reserve(requester(), {Kind.IMAGES: 4}) for each in (ledger, other)]
    for _ in range(10):
        await clock.advance(UNHELD_AFTER_S)
        for each in (ledger, other):
            await each.on_heartbeat()
    assert await used(meter, Kind.IMAGES) == 8
    assert not any(each.ended for each in reservations)


async def test_what_is_settled_after_it_was_freed_is_still_counted(
    ledger: Ledger, database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await ledger_of(database, clock, UNLIMITED, "a sibling").free_dead("this process")
    await ledger.settle(reservation, {Kind.IMAGES: 3})
    await ledger.settle(reservation, {Kind.IMAGES: 3})
    assert await used(meter, Kind.IMAGES) == 3


async def test_what_was_due_of_a_freed_reservation_is_counted_once(
    ledger: Ledger, database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await ledger.record_due(reservation, {Kind.IMAGES: 2})
    await ledger_of(database, clock, UNLIMITED, "a sibling").free_dead("this process")
    assert await used(meter, Kind.IMAGES) == 2
    await ledger.settle(reservation, {Kind.IMAGES: 3})
    await ledger_of(database, clock, UNLIMITED, "a sibling").free_dead("this process")
    assert await used(meter, Kind.IMAGES) == 3


async def test_what_is_reserved_under_a_new_name_is_not_the_former_ones(
    database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    process = FakeProcess("former")
    ledger = Ledger(database, LIMITS, USAGE_KEYS, clock, process=process)
    before = await ledger.reserve(requester(), {Kind.IMAGES: 4, Kind.TOKENS: 9})
    process.name = "new"
    after = await ledger.reserve(requester(), {Kind.IMAGES: 3})
    await ledger.free_dead("former")
    assert await used(meter, Kind.IMAGES) == 3
    # What grows after all is reserved again, by the process that lives.
    assert await ledger.token_budget(before, Kind.TOKENS).ensure(10) == 10
    await ledger.free_dead("former")
    assert await used(meter, Kind.TOKENS) == 9 + BLOCK_TOKENS
    await ledger.settle(before, {Kind.IMAGES: 4, Kind.TOKENS: 10})
    await ledger.settle(after, {Kind.IMAGES: 3})
    assert (await used(meter, Kind.IMAGES), await used(meter, Kind.TOKENS)) == (7, 10)


async def test_a_reservation_that_nothing_can_end_any_more_is_freed(
    ledger: Ledger, clock: FakeClock, meter: UsageReader
) -> None:
    await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await clock.advance(UNHELD_AFTER_S - 1)
    await ledger.on_heartbeat()
    assert await used(meter, Kind.IMAGES) == 4
    await clock.advance(1)
    await ledger.on_heartbeat()
    assert await used(meter, Kind.IMAGES) == 0


async def test_a_reservation_whose_commit_was_not_answered_is_freed(
    database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    unanswered = Unanswered(database)
    ledger = ledger_of(unanswered, clock, UNLIMITED)
    with pytest.raises(StoreUnavailable):
        await ledger.reserve(requester(), {Kind.IMAGES: 4})
    unanswered.now = False
    held = await ledger.reserve(requester(), {Kind.IMAGES: 1})
    assert await used(meter, Kind.IMAGES) == 5
    await clock.advance(UNHELD_AFTER_S)
    await ledger.on_heartbeat()
    assert await used(meter, Kind.IMAGES) == 1
    assert not held.ended


async def test_a_reservation_cancelled_whose_commit_was_not_answered_is_freed(
    database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    ledger = ledger_of(Unanswered(database), clock, UNLIMITED)
    async with ledger.running():
        reserving = asyncio.create_task(ledger.reserve(requester(), {Kind.IMAGES: 4}))
        await asyncio.sleep(0)
        reserving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reserving
    assert await used(meter, Kind.IMAGES) == 4
    await clock.advance(UNHELD_AFTER_S)
    with pytest.raises(StoreUnavailable):
        await ledger.on_heartbeat()  # freed, and that is not answered either
    assert await used(meter, Kind.IMAGES) == 0


async def test_a_settlement_put_off_is_not_taken_for_a_reservation_nothing_can_end(
    database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    failing = Failing(database)
    ledger = ledger_of(failing, clock, UNLIMITED)
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
    failing.now = True
    await ledger.settle(reservation, {Kind.IMAGES: 3})
    del reservation
    await clock.advance(UNHELD_AFTER_S)
    await ledger.on_heartbeat()
    assert await used(meter, Kind.IMAGES) == 4
    failing.now = False
    await ledger.on_heartbeat()
    assert await used(meter, Kind.IMAGES) == 3


async def test_what_is_long_past_is_forgotten(ledger: Ledger, database: Database, clock: FakeClock) -> None:
    await ledger.settle(await ledger.reserve(requester(), MESSAGE), MESSAGE)
    await ledger.reserve(requester(), {Kind.IMAGES: 4})
    await ledger_of(database, clock, UNLIMITED, "a sibling").free_dead("this process")
    await clock.advance(40 * 86_400)
    await ledger.delete_old()
    for table in ("reservations", "reservation_items", "usage_counters"):
        count = await database.read(partial(_count_rows, table))
        assert (table, count) == (table, (0,))


async def _count_rows(table: str, transaction: Transaction) -> Row | None:
    return await transaction.fetch_one(f"SELECT count(*) FROM {table}")


@pytest.mark.parametrize("step", range(9))
async def test_a_caller_cancelled_while_reserving_leaves_nothing_reserved(
    database: Database, clock: FakeClock, step: int, meter: UsageReader
) -> None:
    stepping = Stepping(database)
    ledger = ledger_of(stepping, clock, UNLIMITED)
    async with ledger.running():
        reserving = asyncio.create_task(ledger.reserve(requester(), {Kind.IMAGES: 4, Kind.TOKENS: 9}))
        stepping.at(step, reserving.cancel)
        with pytest.raises(asyncio.CancelledError):
            await reserving
    assert await used(meter, Kind.IMAGES) == await used(meter, Kind.TOKENS) == 0
    assert await database.read(lambda tx: tx.fetch_one("SELECT count(*) FROM reservations")) == (0,)


async def test_a_settlement_is_seen_through_when_its_caller_is_cancelled(
    database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    stepping = Stepping(database)
    ledger = ledger_of(stepping, clock, UNLIMITED)
    async with ledger.running():
        reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
        settling = asyncio.create_task(ledger.settle(reservation, {Kind.IMAGES: 3}))
        stepping.at(1, settling.cancel)
        with pytest.raises(asyncio.CancelledError):
            await settling
    assert await used(meter, Kind.IMAGES) == 3


async def test_a_store_that_fails_for_a_while_loses_no_settlement(
    database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    failing = Failing(database)
    ledger = ledger_of(failing, clock, UNLIMITED)
    async with ledger.running():
        reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
        failing.now = True
        await ledger.settle(reservation, {Kind.IMAGES: 3})
        with pytest.raises(StoreUnavailable):
            await ledger.reserve(requester(), MESSAGE)
        for _ in range(2):
            await ledger.on_heartbeat()
        assert await used(meter, Kind.IMAGES) == 4
        failing.now = False
        await ledger.on_heartbeat()
        assert await used(meter, Kind.IMAGES) == 3


async def test_the_end_of_the_ledger_is_one_more_try(database: Database, clock: FakeClock, meter: UsageReader) -> None:
    failing = Failing(database)
    ledger = ledger_of(failing, clock, UNLIMITED)
    async with ledger.running():
        reservation = await ledger.reserve(requester(), {Kind.IMAGES: 4})
        failing.now = True
        await ledger.release(reservation)
        failing.now = False
    assert await used(meter, Kind.IMAGES) == 0


class Failing:
    """A database that cannot be written while `now` is set."""

    def __init__(self, database: Database) -> None:
        self.read = database.read
        self._write = database.write
        self.now = False

    async def write(self, work: Work[T]) -> T:
        if self.now:
            raise StoreUnavailable("a test says so")
        return await self._write(work)


class Unanswered:
    """A database whose commits succeed and are not answered, while `now` is set."""

    def __init__(self, database: Database) -> None:
        self.read = database.read
        self._write = database.write
        self.now = True

    async def write(self, work: Work[T]) -> T:
        result = await self._write(work)
        if self.now:
            raise StoreUnavailable("a test says so")
        return result


class Stepping:
    """A database that does something at the n-th step of what it is asked to write."""

    def __init__(self, database: Database) -> None:
        self.read = database.read
        self._write = database.write
        self._countdown = -1
        self._act: Callable[[], object] = lambda: None

    def at(self, step: int, act: Callable[[], object]) -> None:
        self._countdown, self._act = step, act

    def step(self) -> None:
        if self._countdown == 0:
            self._act()
        self._countdown -= 1

    async def write(self, work: Work[T]) -> T:
        async def stepped(transaction: Transaction) -> T:
            self.step()
            result = await work(_Stepped(transaction, self.step))
            asyncio.get_running_loop().call_soon(self.step)  # while COMMIT is under way
            return result

        self.step()
        return await self._write(stepped)


class _Stepped:
    def __init__(self, transaction: Transaction, step: Callable[[], None]) -> None:
        self._transaction = transaction
        self._step = step

    def __getattr__(self, name: str) -> Any:  # Any: the methods of a `Transaction`
        async def call(*arguments: object) -> object:
            self._step()
            result = await getattr(self._transaction, name)(*arguments)
            self._step()
            return result

        return call


async def test_a_clock_that_is_set_forward_and_back_forgets_no_count(
    ledger: Ledger, database: Database, clock: FakeClock, meter: UsageReader
) -> None:
    await ledger.settle(await ledger.reserve(requester(), {Kind.IMAGES: 4}), {Kind.IMAGES: 4})
    clock.step(timedelta(hours=50))
    await ledger.delete_old()
    clock.step(timedelta(hours=-50))
    assert await used(meter, Kind.IMAGES) == 4


@pytest.mark.parametrize("step", [timedelta(hours=2), timedelta(days=1), timedelta(days=-1)])
async def test_a_clock_that_is_set_frees_nothing_of_a_living_process(
    ledger: Ledger, clock: FakeClock, meter: UsageReader, step: timedelta
) -> None:
    reservation = await ledger.reserve(requester(), {Kind.IMAGES: 1})
    clock.step(step)
    await ledger.on_heartbeat()
    clock.step(-step)
    assert await used(meter, Kind.IMAGES) == 1
    assert not reservation.ended
