"""What could not be kept is kept when it can be, in its order, and found by the id it was given at first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.errors import StoreFull, Unstorable
from bot.store.conversations import Conversations
from bot.store.database import Database, Work
from bot.store.deferred_writes import MAX_PENDING, RETRY_EVERY_S, DeferredWrites
from bot.store.image_generations import ImageGeneration, ImageGenerations
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from tests.support.clock import FakeClock
from tests.support.turns import TURN

T = TypeVar("T")


class Disk:
    """A database whose disk is full now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.full = False
        self.begun = asyncio.Event()
        """Set once a write has begun."""

    async def write(self, work: Work[T]) -> T:
        if self.full:
            raise StoreFull("full")
        self.begun.set()
        return await self._database.write(work)

    async def read(self, work: Work[T]) -> T:
        return await self._database.read(work)


@pytest.fixture
def disk(database: Database) -> Disk:
    return Disk(database)


@pytest.fixture
def deferred_writes(clock: FakeClock) -> DeferredWrites:
    return DeferredWrites(clock)


@pytest.fixture
def tombstones() -> Tombstones:
    return Tombstones()


@pytest.fixture
def conversations(disk: Disk, tombstones: Tombstones, deferred_writes: DeferredWrites) -> Conversations:
    return Conversations(disk, tombstones, deferred_writes)


async def say(conversations: Conversations, question: str, *message_ids: int) -> int:
    turn_id = await conversations.save(replace(TURN, question=question, answer_message_ids=message_ids))
    assert turn_id is not None
    return turn_id


async def kept(conversations: Conversations) -> list[str]:
    return [turn.question for turn in await conversations.get_public_history(TURN.channel_id, 2 * MAX_PENDING)]


async def test_answers_that_end_on_a_full_disk_are_kept_in_order_when_there_is_room(
    disk: Disk, conversations: Conversations, deferred_writes: DeferredWrites
) -> None:
    archive = TurnReader(disk, deferred_writes)
    await say(conversations, "before")
    disk.full = True
    first, second = await say(conversations, "first", 70), await say(conversations, "second", 80)
    await conversations.record_messages(first, (70, 71))
    assert await kept(conversations) == ["before"]
    assert await archive.get(first) is None
    disk.full = False
    await say(conversations, "third")
    assert await kept(conversations) == ["before", "first", "second", "third"]
    found = await archive.get(first)
    assert found is not None
    assert (found.question, found.answer_message_ids) == ("first", (70, 71))
    turn = await archive.get(second)
    assert turn is not None
    assert turn.question == "second"
    assert await conversations.find_turn_of_message(71, TURN.channel_id) == found.id


async def test_who_comes_back_to_a_waiting_answer_has_it_written_first(
    disk: Disk, conversations: Conversations, deferred_writes: DeferredWrites
) -> None:
    disk.full = True
    turn_id = await say(conversations, "a")
    disk.full = False
    turn = await TurnReader(disk, deferred_writes).get(turn_id)
    assert turn is not None
    assert turn.question == "a"


@asynccontextmanager
async def trying(deferred_writes: DeferredWrites, clock: FakeClock) -> AsyncIterator[None]:
    async with deferred_writes.retrying():
        await asyncio.sleep(0)
        yield


async def test_without_anybody_asking_it_is_tried_every_few_seconds(
    disk: Disk, conversations: Conversations, deferred_writes: DeferredWrites, clock: FakeClock
) -> None:
    disk.full = True
    async with trying(deferred_writes, clock):
        await say(conversations, "a")
        await clock.advance(RETRY_EVERY_S)
        assert await kept(conversations) == []
        disk.full = False
        async with asyncio.timeout(10):
            while await kept(conversations) != ["a"]:
                await clock.advance(RETRY_EVERY_S)


async def test_what_waits_is_written_at_the_end_or_said_to_be_lost(
    disk: Disk,
    conversations: Conversations,
    deferred_writes: DeferredWrites,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk.full = True
    async with trying(deferred_writes, clock):
        await say(conversations, "a")
        disk.full = False
    assert await kept(conversations) == ["a"]
    disk.full = True
    async with trying(deferred_writes, clock):
        await say(conversations, "b")
    assert "deferred writes lost at shutdown" in caplog.messages


async def test_what_is_being_written_when_its_task_is_cancelled_is_written_once(
    disk: Disk, conversations: Conversations, deferred_writes: DeferredWrites
) -> None:
    disk.full = True
    await say(conversations, "one")
    await say(conversations, "two")
    disk.full = False
    flush = asyncio.create_task(deferred_writes.flush())
    await disk.begun.wait()
    flush.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flush
    await deferred_writes.flush()
    assert sorted(await kept(conversations)) == ["one", "two"]


async def test_the_oldest_make_room(disk: Disk, conversations: Conversations, deferred_writes: DeferredWrites) -> None:
    disk.full = True
    for number in range(MAX_PENDING + 3):
        await say(conversations, str(number))
    disk.full = False
    await deferred_writes.flush()
    assert await kept(conversations) == [str(number) for number in range(3, MAX_PENDING + 3)]


@pytest.mark.parametrize("how", ["message", "channel", "member", "clear"])
async def test_what_is_deleted_while_it_waits_is_not_kept(
    disk: Disk, conversations: Conversations, tombstones: Tombstones, deferred_writes: DeferredWrites, how: str
) -> None:
    removals = TurnDeletion(disk, tombstones, deferred_writes)
    disk.full = True
    await say(conversations, "a", 70)
    match how:
        case "message":
            removals.add_tombstones([70])
        case "channel":
            removals.add_tombstones([TURN.channel_id])
    disk.full = False
    match how:
        case "member":
            await removals.delete_member(TURN.author_id, at_ms=TURN.asked_at_ms)
        case "clear":
            await removals.delete_visible_to(TURN.author_id, TURN.channel_id)
    await deferred_writes.flush()
    assert await kept(conversations) == []


async def test_what_no_database_takes_does_not_wait(
    conversations: Conversations, disk: Disk, deferred_writes: DeferredWrites
) -> None:
    impossible = replace(TURN, prompt_tokens=2**64)
    with pytest.raises(Unstorable):
        await conversations.save(impossible)
    disk.full = True
    await conversations.save(impossible)
    await say(conversations, "after")
    disk.full = False
    await deferred_writes.flush()
    assert await kept(conversations) == ["after"]


async def test_what_the_schema_forbids_does_not_keep_others_waiting(
    disk: Disk, deferred_writes: DeferredWrites
) -> None:
    async def forbidden() -> int | None:
        return await disk.write(lambda it: it.execute("INSERT INTO turn_messages VALUES (99, 0, 1)"))

    with pytest.raises(Unstorable):
        await deferred_writes.write(forbidden)


async def test_an_answer_in_place_of_a_deleted_one_is_kept(conversations: Conversations) -> None:
    old = await say(conversations, "old")
    again = replace(TURN, question="again", replaces_id=old + 100, answer_message_ids=())
    (turn,) = await conversations.get_ancestors(await conversations.save(again) or 0, 20)
    assert (turn.question, turn.is_branch, turn.parent_id) == ("again", True, None)


async def test_what_was_drawn_on_a_full_disk_can_be_drawn_again(
    disk: Disk, tombstones: Tombstones, deferred_writes: DeferredWrites
) -> None:
    generations = ImageGenerations(disk, tombstones, deferred_writes)
    generation = ImageGeneration(
        channel_id=1,
        parent_channel_id=None,
        guild_id=2,
        author_id=3,
        prompt="a cat",
        size=None,
        n=1,
        model=None,
        spoiler=False,
        message_id=4,
        created_at_ms=5,
    )
    disk.full = True
    generation_id = await generations.add(generation, asked_at_ms=5)
    assert generation_id is not None
    assert await generations.get(generation_id) is None
    disk.full = False
    assert await generations.get(generation_id) == generation
    await generations.remove(generation_id)
    assert await generations.get(generation_id) is None
