import asyncio
import contextlib
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.store.database import Database, Transaction
from bot.store.open import open_database
from bot.store.processed_events import MAX_DELETED_AT_ONCE, ProcessedEvents


@pytest.fixture
def claims(database: Database) -> ProcessedEvents:
    return ProcessedEvents(database)


async def test_the_first_claim_is_granted_and_no_other(claims: ProcessedEvents) -> None:
    assert await claims.claim(7, 1_000)
    assert not await claims.claim(7, 1_001)
    assert await claims.claim(8, 1_001)


async def test_of_many_claims_in_two_processes_one_is_granted(claims: ProcessedEvents, path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as other:
        both = [
            each for event in range(100) for each in (claims.claim(event, 0), ProcessedEvents(other).claim(event, 0))
        ]
        granted = await asyncio.gather(*both)
    assert [sum(granted[number : number + 2]) for number in range(0, 200, 2)] == [1] * 100


async def test_what_goes_along_is_done_with_the_claim_or_not_at_all(claims: ProcessedEvents) -> None:
    done = []

    async def also(transaction: Transaction) -> None:
        done.append(await transaction.fetch_one("SELECT count(*) FROM processed_events WHERE id = ?", (7,)))
        if len(done) == 1:
            raise StoreUnavailable("gone in the middle")

    with contextlib.suppress(StoreUnavailable):
        await claims.claim(7, 0, also)
    assert await claims.claim(7, 0, also)
    assert not await claims.claim(7, 0, also)
    assert done == [(1,), (1,)]


async def test_old_claims_are_forgotten_in_batches(claims: ProcessedEvents) -> None:
    for event in range(MAX_DELETED_AT_ONCE + 1):
        await claims.claim(event, event)
    assert await claims.delete_older_than(MAX_DELETED_AT_ONCE) == MAX_DELETED_AT_ONCE
    assert await claims.delete_older_than(MAX_DELETED_AT_ONCE) == 1
    assert await claims.delete_older_than(MAX_DELETED_AT_ONCE) == 0
    assert await claims.claim(0, 2_000)
