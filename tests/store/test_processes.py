"""The leases: renewed by who lives, and one takes over from who does not."""

import asyncio

import pytest

from bot.store.database import Database
from bot.store.inflight import InFlightAnswer, InFlightAnswers
from bot.store.processes import ProcessLeases
from bot.store.usage import UsageStore
from tests.support.claims import FixedClaims


@pytest.fixture
def leases(database: Database) -> ProcessLeases:
    return ProcessLeases(database)


async def test_a_lease_is_renewed_until_the_process_is_declared_dead(leases: ProcessLeases) -> None:
    await leases.add("p", 10)
    assert await leases.renew("p", 20)
    assert await leases.list_all() == {"p": 20}
    assert await leases.declare_dead("p", 20)
    assert not await leases.renew("p", 30)
    assert await leases.list_all() == {"p": 0}


async def test_a_process_that_is_gone_from_the_table_cannot_renew(leases: ProcessLeases) -> None:
    await leases.add("p", 10)
    await leases.delete("p")
    assert not await leases.renew("p", 20)
    assert await leases.list_all() == {}


async def test_a_lease_renewed_since_it_was_read_saves_its_process(leases: ProcessLeases) -> None:
    await leases.add("p", 10)
    await leases.renew("p", 20)
    assert not await leases.declare_dead("p", 10)
    assert await leases.renew("p", 30)


async def test_of_two_who_find_the_same_process_dead_one_takes_it_over(leases: ProcessLeases) -> None:
    await leases.add("p", 10)
    declared = await asyncio.gather(leases.declare_dead("p", 10), leases.declare_dead("p", 10))
    assert sorted(declared) == [False, True]


async def test_a_process_whose_taking_over_broke_off_is_found_again(leases: ProcessLeases) -> None:
    await leases.add("p", 10)
    assert await leases.declare_dead("p", 10)
    assert await leases.declare_dead("p", (await leases.list_all())["p"])


async def test_what_bears_a_name_without_a_lease_is_found(leases: ProcessLeases, database: Database) -> None:
    await InFlightAnswers(database).insert(InFlightAnswer(1, 2, "token", 3, 4), "answers")
    usage = UsageStore(database)
    for number, process in enumerate(("reserves", "frees", "lives")):
        await usage.reserve(number, FixedClaims([]), process=process, now_ms=0)
    await usage.free(1, "frees", 5)
    await leases.add("lives", 10)
    assert await leases.list_all() == {"answers": 0, "reserves": 0, "lives": 10}
    assert await leases.declare_dead("answers", 0)
