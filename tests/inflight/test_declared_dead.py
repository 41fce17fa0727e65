"""A process that was declared dead though it lives: its answers end, all is paid for once, and it goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.inflight.cancellation import InFlightRequest
from bot.inflight.recovery import Recovery
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.process_lease import HEARTBEAT_INTERVAL_S, LEASE_S, ProcessLease
from bot.quotas.ledger import Ledger
from bot.quotas.usage import UsageReader
from bot.store.database import Database, Transaction
from bot.store.inflight import InFlightAnswer, InFlightAnswers
from bot.store.processes import ProcessLeases
from bot.store.quota_limits import Kind
from tests.support.clock import FakeClock, settle
from tests.support.quotas import UNLIMITED, USAGE_KEYS, requester

RESERVED, DUE, SPENT = 8, 2, 3


class FakeNotifier:
    """Remembers the answers that were marked."""

    def __init__(self) -> None:
        self.marked: list[int] = []

    async def notify_interrupted(self, answer: InFlightAnswer) -> bool:
        self.marked.append(answer.id)
        return True


class Work:
    """An answer that runs until it is interrupted, and then settles what it spent."""

    def __init__(self, process: "Process", request: InFlightRequest) -> None:
        self.interruptions = 0
        self._process = process
        self._request = request
        self._begun = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        request.interrupt = self._interrupt

    async def begin(self) -> None:
        await self._begun.wait()

    async def _run(self) -> None:
        ledger = self._process.ledger
        async with await ledger.reserve(requester(), {Kind.IMAGES: RESERVED}) as reservation:
            await ledger.record_due(reservation, {Kind.IMAGES: DUE})
            reservation.set_spent({Kind.IMAGES: SPENT})
            self._begun.set()
            await asyncio.Event().wait()

    async def _interrupt(self) -> None:
        self.interruptions += 1
        self._task.cancel()
        await asyncio.wait({self._task})
        self._request.finish()


class Process:
    """One of several on a database, each with its own clock: one that stands still is a process that is stopped."""

    def __init__(self, name: str, database: Database, path: Path) -> None:
        self.clock = FakeClock()
        self.stack = AsyncExitStack()
        self.lease = ProcessLease(database, self.clock, self.stack.enter_context(holding(path, name)))
        self.ledger = Ledger(database, UNLIMITED, USAGE_KEYS, self.clock, process=self.lease)
        self.registry = InFlightRegistry(
            database, self.clock, lease=self.lease, free_reservations=self.ledger.free_dead
        )
        self.notifier = FakeNotifier()
        self._recovery = Recovery(self.registry, self.clock)

    async def begin(self) -> None:
        running = self.lease.running(self.ledger, self.registry, on_declared_dead=self.registry.on_declared_dead)
        await self.stack.enter_async_context(running)
        await self.stack.enter_async_context(self.ledger.running())

    async def answer(self, event_id: int) -> Work:
        request = await self.register(event_id)
        assert request is not None
        work = Work(self, request)
        await work.begin()
        return work

    async def register(self, event_id: int) -> InFlightRequest | None:
        return await self.registry.register(event_id, application_id=1, token="secret", channel_id=2, member_id=5)

    async def beat(self) -> None:
        await self.clock.pass_sleeps(1, HEARTBEAT_INTERVAL_S)
        await self.registry._tasks.drain()
        await settle()

    async def sweep(self) -> None:
        await self._recovery.sweep(self.notifier)


Start = Callable[[str], Process]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
async def start(database: Database, path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Processes without file locks, whose leases decide alone."""

    def refuse(descriptor: int, *, wait: bool) -> None:
        raise OSError(f"no locks: {descriptor} {wait}")

    monkeypatch.setattr("bot.liveness._lock", refuse)
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(name, database, path))
        return started[-1]

    yield begin
    for process in started:
        await process.stack.aclose()


async def used(database: Database) -> int:
    lines = await UsageReader(database, UNLIMITED, USAGE_KEYS, FakeClock()).list_for_guild(requester())
    return next(line.used for line in lines if line.limit.kind is Kind.IMAGES)


async def left(database: Database) -> list[tuple[object, ...]]:
    async def work(transaction: Transaction) -> list[tuple[object, ...]]:
        return await transaction.fetch_all(
            "SELECT process, 'answer' FROM inflight_answers UNION ALL SELECT process, 'reservation' FROM reservations"
        )

    return await database.read(work)


async def test_a_stopped_process_is_taken_over_and_when_it_goes_on_it_pays_once(
    start: Start, database: Database
) -> None:
    one, two = start("one"), start("two")
    await one.begin()
    await two.begin()
    work = await one.answer(9)
    assert await used(database) == RESERVED
    for _ in range(LEASE_S // HEARTBEAT_INTERVAL_S + 1):
        await two.beat()
        await two.sweep()
    assert two.notifier.marked == [9]
    assert await used(database) == DUE
    assert work.interruptions == 0

    await one.clock.advance(LEASE_S)  # goes on
    await one.beat()
    assert work.interruptions == 1
    assert await used(database) == SPENT
    for process in (one, two, one):
        await process.beat()
        await process.sweep()
    assert (work.interruptions, one.notifier.marked, two.notifier.marked) == (1, [], [9])
    assert await used(database) == SPENT
    assert await left(database) == []

    # Under the new name it answers, and is as alive as any other.
    assert one.lease.name != "one"
    after = await one.answer(10)
    assert {process for process, _ in await left(database)} == {one.lease.name}
    await two.sweep()
    assert (two.notifier.marked, after.interruptions) == ([9], 0)
    assert (await ProcessLeases(database).list_all()).keys() == {one.lease.name, "two"}


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_process_that_no_other_took_over_marks_its_answers_itself_and_once(
    start: Start, database: Database, *, is_gone: bool
) -> None:
    one = start("one")
    await one.begin()
    leases, works = ProcessLeases(database), [await one.answer(event_id) for event_id in (9, 10)]
    assert await leases.declare_dead("one", (await leases.list_all())["one"])
    if is_gone:
        await leases.delete("one")
    await one.beat()
    await one.sweep()
    await one.beat()
    assert [work.interruptions for work in works] == [1, 1]
    assert one.notifier.marked == []
    assert await used(database) == 2 * SPENT
    assert await left(database) == []
    assert (await leases.list_all()).keys() == {one.lease.name}


async def test_an_answer_that_ends_before_the_process_notices_is_left_alone(start: Start, database: Database) -> None:
    one, two = start("one"), start("two")
    await one.begin()
    work = await one.answer(9)
    await two.clock.advance(LEASE_S)
    assert [answer.id for answer in await two.registry.take_over_dead_processes()] == [9]
    await work._interrupt()  # ends by itself, as far as the registry knows
    await one.beat()
    assert work.interruptions == 1
    assert await used(database) == SPENT
    assert await left(database) == []


async def test_what_another_process_could_not_free_is_freed_by_the_process_itself(
    start: Start, database: Database
) -> None:
    async def cannot_free(_: str) -> None:
        raise StoreUnavailable("busy")

    one, two = start("one"), start("two")
    await one.begin()
    work = await one.answer(9)
    two.registry._free_reservations = cannot_free
    await two.clock.advance(LEASE_S)
    await two.sweep()
    assert await used(database) == RESERVED
    await one.beat()
    assert work.interruptions == 1
    assert await used(database) == SPENT
    assert await left(database) == []


async def test_an_event_claimed_while_the_process_gets_its_new_name_is_refused(
    start: Start, database: Database
) -> None:
    one = start("one")
    await one.begin()

    class DeclaresDead(InFlightAnswers):
        async def insert(self, answer: InFlightAnswer, process: str) -> bool:
            claimed = await super().insert(answer, process)
            await ProcessLeases(database).delete("one")
            await one.clock.pass_sleeps(1, HEARTBEAT_INTERVAL_S)
            return claimed

    one.registry._answers = DeclaresDead(database)
    with pytest.raises(StoreUnavailable):
        await one.register(9)
    one.registry._answers = InFlightAnswers(database)
    await one.sweep()
    assert one.notifier.marked == []
    assert await left(database) == []
    assert await one.register(10) is not None
