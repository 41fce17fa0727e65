"""DeletionService hold from the first moment on, and are carried out when the store can be used, at the very end
too.
"""

import asyncio

import pytest

from bot.history.deletion import BATCH_SIZE, RETRY_S, DeletionService
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from tests.history.stored_turns import Say
from tests.support.clock import FakeClock
from tests.support.database import UnreachableDatabase
from tests.support.requests import CHANNEL


@pytest.fixture
def store(database: Database) -> UnreachableDatabase:
    return UnreachableDatabase(database)


@pytest.fixture
def deletions(store: UnreachableDatabase, gone: Tombstones, clock: FakeClock) -> DeletionService:
    return DeletionService(TurnDeletion(store, gone), clock)


async def line(conversations: Conversations) -> str:
    return "".join(turn.question for turn in await conversations.get_public_history(CHANNEL, 20))


async def until(conversations: Conversations, wanted: str) -> None:
    async with asyncio.timeout(10):
        while await line(conversations) != wanted:
            pass  # each look is a transaction of its own


async def test_what_could_not_be_deleted_is_out_of_sight_at_once_and_deleted_later(
    database: Database,
    conversations: Conversations,
    store: UnreachableDatabase,
    deletions: DeletionService,
    say: Say,
    clock: FakeClock,
) -> None:
    await say("a", answer_message_ids=(1, 2))
    await say("b", answer_message_ids=(3,))
    async with deletions.running():
        deletions.delete_messages([2])
        assert await line(conversations) == "b"
        assert await clock.wait_for_sleep() == RETRY_S
        assert await line(Conversations(database)) == "ab"
        store.down = False
        await clock.advance(RETRY_S)
        await until(Conversations(database), "b")


async def test_a_deleted_channel_is_tried_again_as_well(
    conversations: Conversations, store: UnreachableDatabase, deletions: DeletionService, say: Say, clock: FakeClock
) -> None:
    await say("a")
    async with deletions.running():
        deletions.delete_channel(CHANNEL)
        await clock.sleep_through()
        assert await line(conversations) == "a"
        store.down = False
        await clock.advance(RETRY_S)
        await until(conversations, "")
    assert clock.slept_s == [RETRY_S] * 2


async def test_what_is_left_at_the_end_is_still_carried_out(
    database: Database, store: UnreachableDatabase, deletions: DeletionService, say: Say, clock: FakeClock
) -> None:
    await say("a", answer_message_ids=(1,))
    async with deletions.running():
        deletions.delete_messages([1])
        await clock.wait_for_sleep()
        store.down = False
    assert await line(Conversations(database)) == ""


async def test_many_at_once_are_looked_up_in_batches(
    database: Database, store: UnreachableDatabase, deletions: DeletionService, say: Say
) -> None:
    await say("a", answer_message_ids=(5 * BATCH_SIZE,))
    store.down = False
    async with deletions.running():
        for number in range(5 * BATCH_SIZE + 1):
            deletions.delete_messages([number])
        await until(Conversations(database), "")
    assert store.writes <= 7


async def test_an_id_that_no_database_takes_stops_no_other_deletion(
    database: Database, conversations: Conversations, store: UnreachableDatabase, deletions: DeletionService, say: Say
) -> None:
    store.down = False
    await say("a", answer_message_ids=(1,))
    await say("b", answer_message_ids=(2,))
    async with deletions.running():
        deletions.delete_messages([2**63, 1, 2**70, -1])
        deletions.delete_channel(2**64)
        await until(Conversations(database), "b")
        deletions.delete_channel(CHANNEL)
        await until(Conversations(database), "")
