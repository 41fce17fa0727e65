"""What pictures were drawn from: kept while its message, channel and author are there, and for as long as turns are."""

import dataclasses

import pytest

from bot.store.database import Database
from bot.store.image_generations import ImageGeneration, ImageGenerations
from bot.store.left_guilds import LeftGuilds
from bot.store.personal_data import PersonalData, PersonalRows
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion

SKETCH = ImageGeneration(
    channel_id=10,
    parent_channel_id=None,
    guild_id=7,
    author_id=1,
    prompt="a cat",
    size="1024x1024",
    n=2,
    model=None,
    spoiler=True,
    message_id=501,
    created_at_ms=5_000,
)


@pytest.fixture
def tombstones() -> Tombstones:
    return Tombstones()


@pytest.fixture
def generations(database: Database, tombstones: Tombstones) -> ImageGenerations:
    return ImageGenerations(database, tombstones)


@pytest.fixture
def removals(database: Database, tombstones: Tombstones) -> TurnDeletion:
    return TurnDeletion(database, tombstones)


async def kept(generations: ImageGenerations, generation: ImageGeneration = SKETCH) -> int:
    generation_id = await generations.add(generation, asked_at_ms=4_000)
    assert generation_id is not None
    return generation_id


async def test_a_sketch_comes_back_as_it_was_until_it_is_removed(generations: ImageGenerations) -> None:
    generation_id = await kept(generations)
    assert await generations.get(generation_id) == SKETCH
    await generations.remove(generation_id)
    assert await generations.get(generation_id) is None
    assert await kept(generations) > generation_id


async def test_it_goes_with_its_message_its_channel_its_server_its_author_and_its_time(
    database: Database, generations: ImageGenerations, removals: TurnDeletion
) -> None:
    thread = dataclasses.replace(SKETCH, channel_id=12, parent_channel_id=10, message_id=502)
    of_message, of_channel, of_thread = (
        await kept(generations),
        await kept(generations),
        await kept(generations, thread),
    )
    others = dataclasses.replace(SKETCH, channel_id=20, guild_id=8, author_id=2, message_id=503, created_at_ms=9_000)
    other = await kept(generations, others)
    await removals.delete_by_messages([501])
    assert [await generations.get(each) for each in (of_message, of_channel)] == [None, None]
    await removals.delete_channel(10)
    assert await generations.get(of_thread) is None
    departures, fresh = LeftGuilds(database), ImageGenerations(database, Tombstones())
    left = await kept(fresh)
    assert await departures.list_known_guilds() == {7, 8}
    await departures.record([7], 10)
    await departures.purge(7, noticed_before_ms=10)
    assert await fresh.get(left) is None
    old = await kept(fresh)
    await removals.delete_older_than(9_000)
    assert await fresh.get(old) is None
    own = await kept(fresh)
    (row,) = (await PersonalData(database).list_rows(1))[PersonalRows.IMAGE_GENERATIONS]
    assert (row["prompt"], row["pictures"]) == ("a cat", 2)
    assert await PersonalData(database).erase(1) == 1
    assert await fresh.get(own) is None
    assert await fresh.get(other) == others


async def test_nothing_is_kept_of_what_was_deleted_meanwhile(
    database: Database, tombstones: Tombstones, generations: ImageGenerations, removals: TurnDeletion
) -> None:
    await removals.delete_by_messages([501])
    assert await generations.add(SKETCH, asked_at_ms=4_000) is None
    await removals.delete_member(3, at_ms=4_500)
    theirs = dataclasses.replace(SKETCH, message_id=None, author_id=3)
    assert await generations.add(theirs, asked_at_ms=4_000) is None
    assert await generations.add(theirs, asked_at_ms=5_000) is not None
