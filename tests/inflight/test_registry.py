"""The roster: one answer for each event, and only what the dead left is taken over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.clock import unix_ms
from bot.errors import StoreUnavailable
from bot.inflight.recovery import GIVEN_UP_AFTER, Recovery
from bot.inflight.registry import LEASE_S, InFlightRegistry
from bot.inflight.request import InFlightRequest
from bot.liveness import ProcessLock, holding
from bot.store.database import Database, Transaction
from bot.store.inflight import InFlightAnswer, InFlightAnswers, Phase
from tests.support.clock import FakeClock

Start = Callable[[str], "Process"]


class Process:
    """One of several that share a database: its roster, and a way to die that tells nobody."""

    def __init__(self, name: str, database: Database, clock: FakeClock, path: Path) -> None:
        self.buried: list[str] = []
        self.cannot_bury = False
        self.answers = InFlightAnswers(database)
        self._held = AsyncExitStack()
        self._lifeline: ProcessLock = self._held.enter_context(holding(path, name))
        self.roster = InFlightRegistry(database, clock, process=name, lifeline=self._lifeline, bury=self._bury)

    async def admit(self, event_id: int) -> InFlightRequest | None:
        return await self.roster.admit(event_id, application_id=1, token="secret", channel_id=2, member_id=5)

    async def die(self) -> None:
        await self._held.aclose()

    async def _bury(self, process: str) -> None:
        self.buried.append(process)
        if self.cannot_bury:
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
    entries = await asyncio.gather(*(process.admit(9) for process in (one, two, one)))
    assert len([entry for entry in entries if entry is not None]) == 1
    assert not await one.roster.claim(9)


async def test_what_an_entry_says_is_written_down_and_its_end_strikes_it_off(start: Start, database: Database) -> None:
    one = start("one")
    async with one.roster.running():
        entry = await one.admit(9)
        assert entry is not None
        entry.show(Phase.WORDS, (5,))
        entry.show(Phase.WORDS, (5, 6))
        await entry.closing(3)
        assert await rows(database) == [(9, "5 6", "words", 3)]
        entry.end()
    assert await rows(database) == []
    assert await one.answers.processes() == {}


async def test_an_admission_whose_caller_is_gone_is_struck_off(start: Start, database: Database) -> None:
    one = start("one")
    async with one.roster.running():
        admitting = asyncio.create_task(one.admit(9))
        await asyncio.sleep(0)
        admitting.cancel()
        await asyncio.wait({admitting})
    assert admitting.cancelled()
    assert await rows(database) == []


async def test_a_living_process_keeps_its_answers_even_when_its_lease_ran_out(start: Start, clock: FakeClock) -> None:
    one, two = start("one"), start("two")
    await one.answers.lease("one", unix_ms(clock.now()))
    assert await one.admit(9)
    await clock.advance(LEASE_S * 10)
    assert await two.roster.adopt() == []
    assert two.buried == []


async def test_a_dead_process_is_known_at_once_and_its_answers_are_adopted_once(
    start: Start, clock: FakeClock, database: Database
) -> None:
    one, two, three = start("one"), start("two"), start("three")
    await one.answers.lease("one", unix_ms(clock.now()) + LEASE_S * 1000)
    assert await one.admit(9)
    (path,) = database_files(one)
    await one.die()
    path.touch()  # what kill -9 leaves: the file, without its lock
    adopted = [*await two.roster.adopt(), *await three.roster.adopt()]
    assert [(answer.id, answer.token) for answer in adopted] == [(9, "secret")]
    assert (two.buried, three.buried) == (["one"], [])
    assert not path.exists()


async def test_without_a_file_to_look_at_the_lease_decides(start: Start, clock: FakeClock) -> None:
    one, two = start("one"), start("two")
    await one.answers.lease("one", unix_ms(clock.now()) + LEASE_S * 1000)
    assert await one.admit(9)
    await one.die()
    assert await two.roster.adopt() == []
    await clock.advance(LEASE_S)
    assert [answer.id for answer in await two.roster.adopt()] == [9]


async def test_answers_are_adopted_where_what_the_dead_held_cannot_be_given_back_yet(start: Start) -> None:
    one, two = start("one"), start("two")
    two.cannot_bury = True
    await one.answers.lease("one", 10**15)
    assert await one.admit(9)
    (path,) = database_files(one)
    await one.die()
    path.touch()
    assert [answer.id for answer in await two.roster.adopt()] == [9]
    assert two.buried == ["one"]


async def test_an_answer_left_by_a_process_that_said_goodbye_is_adopted(start: Start) -> None:
    one, two = start("one"), start("two")
    async with one.roster.running():
        assert await one.admit(9)
    await one.die()
    assert [answer.id for answer in await two.roster.adopt()] == [9]


class Told:
    """A marker that reaches nobody at first."""

    def __init__(self, *outcomes: bool) -> None:
        self.marked: list[int] = []
        self._outcomes = list(outcomes)

    async def mark(self, answer: InFlightAnswer) -> bool:
        self.marked.append(answer.id)
        return self._outcomes.pop(0)


async def test_who_cannot_be_told_is_tried_again_and_then_forgotten(
    start: Start, clock: FakeClock, database: Database
) -> None:
    one, two = start("one"), start("two")
    assert await one.admit(9)
    await one.die()
    recovery, told = Recovery(two.roster, clock), Told(False, True)
    await recovery.sweep(told)
    assert len(await rows(database)) == 1
    await recovery.sweep(told)
    await recovery.sweep(told)
    assert told.marked == [9, 9]
    assert await rows(database) == []


async def test_who_cannot_be_told_for_a_day_is_given_up(start: Start, clock: FakeClock, database: Database) -> None:
    one, two = start("one"), start("two")
    assert await one.admit(9)
    await one.die()
    await clock.advance(GIVEN_UP_AFTER.total_seconds())
    await Recovery(two.roster, clock).sweep(Told(False))
    assert await rows(database) == []


def database_files(process: Process) -> list[Path]:
    lifeline = process._lifeline
    return list(lifeline._database.parent.glob(f"*-alive-{lifeline._process}"))


async def test_an_event_is_claimed_in_memory_by_a_process_that_is_alone(start: Start) -> None:
    one = start("one")
    assert await one.roster.claim_unwritten(9)
    assert not await one.roster.claim_unwritten(9)
    assert not await one.roster.claim(9)
    assert await one.admit(9) is None
    two = start("two")
    assert not await one.roster.claim_unwritten(10)
    await two.die()
    assert await one.roster.claim_unwritten(10)


async def test_a_process_of_another_host_is_no_less_another(start: Start, clock: FakeClock) -> None:
    one = start("one")
    await one.answers.lease("elsewhere", unix_ms(clock.now()) + 1000)
    assert not await one.roster.claim_unwritten(9)
    await clock.advance(2)
    assert await one.roster.claim_unwritten(9)
