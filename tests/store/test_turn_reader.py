import dataclasses

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.turn_reader import NEWEST, TurnFilter, TurnPage, TurnReader
from tests.support.turns import ANN, BEN, CHANNEL, THREAD, TURN

MINE = TurnFilter(ANN, CHANNEL)


@pytest.fixture
async def ids(database: Database) -> list[int]:
    """Keep a, b, c …: every third one is Ann's private, the one after it Ben's; and one elsewhere."""
    conversations = Conversations(database)
    kept = []
    for number, question in enumerate("abcdefghij"):
        author, private = {0: (ANN, True), 1: (BEN, True)}.get(number % 3, (BEN, False))
        turn = dataclasses.replace(TURN, question=question, author_id=author, private=private)
        kept.append(await conversations.save(turn))
    await conversations.save(dataclasses.replace(TURN, channel_id=THREAD, parent_channel_id=CHANNEL))
    return [turn_id for turn_id in kept if turn_id is not None]


@pytest.fixture
def archive(database: Database) -> TurnReader:
    return TurnReader(database)


def questions(stretch: TurnPage) -> str:
    return "".join(turn.question for turn in stretch.turns)


async def test_a_member_sees_public_turns_and_their_own_private_ones(archive: TurnReader, ids: list[int]) -> None:
    assert questions(await archive.get_page_before(MINE, NEWEST, 100)) == "jigfdca"
    assert questions(await archive.get_page_before(TurnFilter(BEN, CHANNEL), NEWEST, 100)) == "ihfecb"
    assert questions(await archive.get_page_before(TurnFilter(3, CHANNEL), NEWEST, 100)) == "ifc"
    assert await archive.count(MINE) == 7


async def test_pages_follow_one_another_both_ways(archive: TurnReader, ids: list[int]) -> None:
    first = await archive.get_page_before(MINE, NEWEST, 3)
    second = await archive.get_page_before(MINE, first.turns[-1].id, 3)
    last = await archive.get_page_before(MINE, second.turns[-1].id, 3)
    assert [questions(page) for page in (first, second, last)] == ["jig", "fdc", "a"]
    assert [(page.newer, page.total) for page in (first, second, last)] == [(0, 7), (3, 7), (6, 7)]
    assert questions(await archive.get_page_after(MINE, last.turns[0].id, 3)) == "fdc"
    assert questions(await archive.get_page_after(MINE, second.turns[0].id, 3)) == "jig"


async def test_a_page_back_to_the_newest_is_a_full_one(archive: TurnReader, ids: list[int]) -> None:
    page = await archive.get_page_after(MINE, ids[8], 3)
    assert (questions(page), page.newer) == ("jig", 0)


async def test_a_turn_that_is_gone_is_still_a_place_to_go_on_from(
    archive: TurnReader, database: Database, ids: list[int]
) -> None:
    await database.write(lambda transaction: transaction.execute("DELETE FROM turns WHERE id = ?", (ids[5],)))
    assert questions(await archive.get_page_before(MINE, ids[5], 3)) == "dca"
    assert questions(await archive.get_page_after(MINE, ids[5], 3)) == "jig"


async def test_all_of_a_members_turns_are_found_wherever_they_are(archive: TurnReader, ids: list[int]) -> None:
    own = await archive.list_for_member(ANN, NEWEST, 3)
    assert [(turn.channel_id, turn.question) for turn in own] == [(THREAD, "why?"), (CHANNEL, "j"), (CHANNEL, "g")]
    assert own[0].answer_message_ids == TURN.answer_message_ids
