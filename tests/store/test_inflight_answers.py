import asyncio
from pathlib import Path
from typing import TypeVar

import pytest

from bot.errors import StoreUnavailable
from bot.store.database import Database, Transaction, Work
from bot.store.inflight import MAX_DELETED_AT_ONCE, InFlightAnswer, InFlightAnswers
from bot.store.open import open_database

T = TypeVar("T")


@pytest.fixture
def answers(database: Database) -> InFlightAnswers:
    return InFlightAnswers(database)


async def test_the_first_claim_is_granted_and_no_other(answers: InFlightAnswers) -> None:
    assert await answers.claim(7, 1_000)
    assert not await answers.claim(7, 1_001)
    assert await answers.claim(8, 1_001)


async def test_of_many_claims_in_two_processes_one_is_granted(answers: InFlightAnswers, path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as other:
        both = [
            each for event in range(100) for each in (answers.claim(event, 0), InFlightAnswers(other).claim(event, 0))
        ]
        granted = await asyncio.gather(*both)
    assert [sum(granted[number : number + 2]) for number in range(0, 200, 2)] == [1] * 100


async def test_an_answer_is_inserted_with_the_claim_or_not_at_all(answers: InFlightAnswers, database: Database) -> None:
    class FailsOnce:
        """A database that is gone after the work of its first transaction."""

        read = database.read
        has_failed = False

        async def write(self, work: Work[T]) -> T:
            async def failing(transaction: Transaction) -> T:
                done = await work(transaction)
                if not self.has_failed:
                    self.has_failed = True
                    raise StoreUnavailable("gone in the middle")
                return done

            return await database.write(failing)

    answer, failing = InFlightAnswer(7, 1, "token", 2, 0), InFlightAnswers(FailsOnce())
    with pytest.raises(StoreUnavailable):
        await failing.insert(answer, "p")
    assert await failing.insert(answer, "p")
    assert not await answers.insert(answer, "p")
    assert not await answers.claim(7, 0)
    assert await answers.take_over("p", "q") == [answer]


async def test_old_claims_are_forgotten_in_batches(answers: InFlightAnswers) -> None:
    for event in range(MAX_DELETED_AT_ONCE + 1):
        await answers.claim(event, event)
    assert await answers.delete_claims_before(MAX_DELETED_AT_ONCE) == MAX_DELETED_AT_ONCE
    assert await answers.delete_claims_before(MAX_DELETED_AT_ONCE) == 1
    assert await answers.delete_claims_before(MAX_DELETED_AT_ONCE) == 0
    assert await answers.claim(0, 2_000)
