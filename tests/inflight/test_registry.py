"""The registry: one answer for each event, and only what the dead left is taken over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.clock import unix_ms
from bot.errors import StoreUnavailable
from bot.inflight.cancellation import InFlightRequest
from bot.inflight.recovery import GIVE_UP_AFTER, Recovery
from bot.inflight.registry import InFlightRegistry
from bot.liveness import ProcessLock, holding
from bot.process_lease import LEASE_S, ProcessLease
from bot.store.database import Database, Transaction
from bot.store.inflight import InFlightAnswer, Phase
from bot.store.processes import ProcessLeases
from tests.support.clock import FakeClock

Start = Callable[[str], "Process"]


class Process:
    """One of several that share a database: its registry, and a way to die that tells nobody."""

    def __init__(self, name: str, database: Database, clock: FakeClock, path: Path) -> None:
        self.reported_dead: list[str] = []
        self.cannot_free = False
        self.leases = ProcessLeases(database)
        self._held = AsyncExitStack()
        self._process_lock: ProcessLock = self._held.enter_context(holding(path, name))
        self.lease = ProcessLease(database, clock, self._process_lock)
        self.registry = InFlightRegistry(database, clock, lease=self.lease, free_reservations=self._on_dead)

    async def register(self, event_id: int) -> InFlightRequest | None:
        return await self.registry.register(event_id, application_id=1, token="secret", channel_id=2, member_id=5)

    async def die(self) -> None:
        await self._held.aclose()

    async def _on_dead(self, process: str) -> None:
        self.reported_dead.append(process)
        if self.cannot_free:
            raise StoreUnavailable("busy")


@pytest.fixture
async def start(database: Database, clock: FakeClock, path: Path) -> AsyncIterator[Start]:
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(name, database, clock, path))
        return started[-1]

    yield begin
    for process in started:
        await process.die()


async def rows(database: Database) -> list[tuple[object, ...]]:
    async def work(transaction: Transaction) -> list[tuple[object, ...]]:
        return await transaction.fetch_all("SELECT id, message_ids, phase, final_message_count FROM inflight_answers")

    return await database.read(work)


async def test_an_event_is_admitted_once_whichever_process_it_comes_to(start: Start) -> None:
    one, two = start("one"), start("two")
    entries = await asyncio.gather(*(process.register(9) for process in (one, two, one)))
    assert len([entry for entry in entries if entry is not None]) == 1
    assert not await one.registry.claim(9)


async def test_what_an_entry_says_is_written_down_and_its_end_strikes_it_off(start: Start, database: Database) -> None:
    one = start("one")
    async with one.registry.running():
        entry = await one.register(9)
        assert entry is not None
        entry.set_phase(Phase.TEXT, (5,))
        entry.set_phase(Phase.TEXT, (5, 6))
        await entry.mark_final(3)
        assert await rows(database) == [(9, "5 6", "words", 3)]
        entry.finish()
    assert await rows(database) == []


async def test_an_admission_whose_caller_is_gone_is_struck_off(start: Start, database: Database) -> None:
    one = start("one")
    async with one.registry.running():
        admitting = asyncio.create_task(one.register(9))
        await asyncio.sleep(0)
        admitting.cancel()
        await asyncio.wait({admitting})
    assert admitting.cancelled()
    assert await rows(database) == []


async def test_a_living_process_keeps_its_answers_even_when_its_lease_ran_out(start: Start, clock: FakeClock) -> None:
    one, two = start("one"), start("two")
    await one.leases.add("one", unix_ms(clock.now()))
    assert await one.register(9)
    await clock.advance(LEASE_S * 10)
    assert await two.registry.take_over_dead_processes() == []
    assert two.reported_dead == []


async def test_a_dead_process_is_known_at_once_and_its_answers_are_adopted_once(
    start: Start, clock: FakeClock, database: Database
) -> None:
    one, two, three = start("one"), start("two"), start("three")
    await one.leases.add("one", unix_ms(clock.now()) + LEASE_S * 1000)
    assert await one.register(9)
    (path,) = database_files(one)
    await one.die()
    path.touch()  # what kill -9 leaves: the file, without its lock
    adopted = [*await two.registry.take_over_dead_processes(), *await three.registry.take_over_dead_processes()]
    assert [(answer.id, answer.token) for answer in adopted] == [(9, "secret")]
    assert (two.reported_dead, three.reported_dead) == (["one"], [])
    assert not path.exists()


async def test_without_a_file_to_look_at_the_lease_decides(start: Start, clock: FakeClock) -> None:
    one, two = start("one"), start("two")
    await one.leases.add("one", unix_ms(clock.now()) + LEASE_S * 1000)
    assert await one.register(9)
    await one.die()
    assert await two.registry.take_over_dead_processes() == []
    await clock.advance(LEASE_S)
    assert [answer.id for answer in await two.registry.take_over_dead_processes()] == [9]


async def test_answers_are_adopted_where_what_the_dead_held_cannot_be_given_back_yet(start: Start) -> None:
    one, two = start("one"), start("two")
    two.cannot_free = True
    await one.leases.add("one", 10**15)
    assert await one.register(9)
    (path,) = database_files(one)
    await one.die()
    path.touch()
    assert [answer.id for answer in await two.registry.take_over_dead_processes()] == [9]
    two.cannot_free = False
    for _ in range(2):
        assert await two.registry.take_over_dead_processes() == []
        assert two.reported_dead == ["one", "one"]  # the first call could not, the second could
    assert await one.leases.list_all() == {"two": 0}  # whose lease this test never took


async def test_an_answer_left_by_a_process_that_said_goodbye_is_adopted(start: Start) -> None:
    one, two = start("one"), start("two")
    async with one.lease.running(one.registry, on_declared_dead=one.registry.on_declared_dead), one.registry.running():
        assert await one.register(9)
    await one.die()
    assert [answer.id for answer in await two.registry.take_over_dead_processes()] == [9]


class FakeNotifier:
    """A marker that reaches nobody at first."""

    def __init__(self, *outcomes: bool) -> None:
        self.notified: list[int] = []
        self._outcomes = list(outcomes)

    async def notify_interrupted(self, answer: InFlightAnswer) -> bool:
        self.notified.append(answer.id)
        return self._outcomes.pop(0)


async def test_who_cannot_be_told_is_tried_again_and_then_forgotten(
    start: Start, clock: FakeClock, database: Database
) -> None:
    one, two = start("one"), start("two")
    assert await one.register(9)
    await one.die()
    recovery, notifier = Recovery(two.registry, clock), FakeNotifier(False, True)
    await recovery.sweep(notifier)
    assert len(await rows(database)) == 1
    await recovery.sweep(notifier)
    await recovery.sweep(notifier)
    assert notifier.notified == [9, 9]
    assert await rows(database) == []


async def test_who_cannot_be_told_for_a_day_is_given_up(start: Start, clock: FakeClock, database: Database) -> None:
    one, two = start("one"), start("two")
    assert await one.register(9)
    await one.die()
    await clock.advance(GIVE_UP_AFTER.total_seconds())
    await Recovery(two.registry, clock).sweep(FakeNotifier(False))
    assert await rows(database) == []


def database_files(process: Process) -> list[Path]:
    process_lock = process._process_lock
    return list(process_lock._database.parent.glob(f"*-alive-{process_lock.process}"))


async def test_an_event_is_claimed_in_memory_by_a_process_that_is_alone(start: Start) -> None:
    one = start("one")
    assert await one.registry.claim_in_memory(9)
    assert not await one.registry.claim_in_memory(9)
    assert not await one.registry.claim(9)
    assert await one.register(9) is None
    two = start("two")
    assert not await one.registry.claim_in_memory(10)
    await two.die()
    assert await one.registry.claim_in_memory(10)


async def test_a_process_of_another_host_is_no_less_another(start: Start, clock: FakeClock) -> None:
    one = start("one")
    await one.leases.add("elsewhere", unix_ms(clock.now()) + 1000)
    assert not await one.registry.claim_in_memory(9)
    await clock.advance(2)
    assert await one.registry.claim_in_memory(9)
