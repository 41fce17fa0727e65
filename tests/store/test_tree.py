"""Replies go on from the turn they are to; everything else goes on from its line, in which nothing said is missing."""

import asyncio
import dataclasses
from typing import Any

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from bot.store.turns import Turn
from tests.support.turns import ANN, BEN, CHANNEL, THREAD, TURN


@pytest.fixture
def tombstones() -> Tombstones:
    return Tombstones()


@pytest.fixture
def conversations(database: Database, tombstones: Tombstones) -> Conversations:
    return Conversations(database, tombstones)


@pytest.fixture
def removals(database: Database, tombstones: Tombstones) -> TurnDeletion:
    return TurnDeletion(database, tombstones)


async def say(conversations: Conversations, *questions: str, to: str | None = None, **other: Any) -> None:
    """Keep a turn for each question, in reply to another one's answer if so; its messages bear its letter's numbers."""
    for question in questions:
        other["path"] = tuple(turn.id for turn in await path(conversations, to)) if to else ()
        changes = {
            "question": question,
            "question_message_id": ord(question),
            "answer_message_ids": (answer(question),),
        }
        await conversations.save(dataclasses.replace(TURN, **{**changes, **other}))


async def path(conversations: Conversations, to: str, limit: int = 20) -> list[Turn]:
    turn_id = await conversations.find_turn_of_message(answer(to), CHANNEL)
    return [] if turn_id is None else await conversations.get_ancestors(turn_id, limit)


def answer(question: str) -> int:
    return 1000 + ord(question)


def questions(turns: list[Turn]) -> str:
    return "".join(turn.question for turn in turns)


async def line(conversations: Conversations) -> str:
    return questions(await conversations.get_public_history(CHANNEL, 20))


async def test_a_reply_knows_the_path_to_its_answer_and_nothing_else(conversations: Conversations) -> None:
    await say(conversations, *"abcde")
    assert questions(await path(conversations, "b")) == "ab"
    await say(conversations, "f", to="b")
    await say(conversations, "g", to="f")
    assert questions(await path(conversations, "g")) == "abfg"
    assert questions(await path(conversations, "g", 3)) == "bfg"
    assert questions(await path(conversations, "g", 2)) == "fg"
    assert await conversations.get_ancestors(99, 20) == []


async def test_the_line_misses_nothing_that_was_said(conversations: Conversations) -> None:
    await say(conversations, *"abc")
    await say(conversations, "d", to="a")
    await say(conversations, "e")
    assert await line(conversations) == "abcde"
    assert questions(await path(conversations, "e")) == "abcde"
    assert questions(await path(conversations, "d")) == "ad"


async def test_of_replies_to_one_answer_each_knows_its_own_path_and_the_line_knows_both(
    conversations: Conversations,
) -> None:
    await say(conversations, *"ab")
    turn_id = await conversations.find_turn_of_message(answer("b"), CHANNEL)
    assert turn_id is not None
    ids = tuple(turn.id for turn in await conversations.get_ancestors(turn_id, 20))
    await asyncio.gather(*(say(conversations, each, author_id=who) for each, who in (("x", ANN), ("y", BEN))))
    for each in "cd":
        changes: dict[str, Any] = {"question": each, "path": ids, "answer_message_ids": (answer(each),)}
        await conversations.save(dataclasses.replace(TURN, **changes))
    assert questions(await path(conversations, "c")) == "abc"
    assert questions(await path(conversations, "d")) == "abd"
    assert sorted(await line(conversations)) == list("abcdxy")


async def test_a_fresh_start_stays_one_whatever_is_replied_to_what_was_before(conversations: Conversations) -> None:
    await say(conversations, *"abc")
    await say(conversations, "d", fresh=True)
    await say(conversations, "e", to="b")
    await say(conversations, "f")
    assert await line(conversations) == "def"
    assert questions(await path(conversations, "e")) == "abe"
    assert questions(await path(conversations, "f")) == "def"


async def test_a_message_that_shows_no_turn_of_the_channel_leads_nowhere(conversations: Conversations) -> None:
    await say(conversations, "a", private=True)
    await say(conversations, "b", channel_id=THREAD)
    await say(conversations, "c")
    assert await conversations.find_turn_of_message(answer("a"), CHANNEL) is None
    assert await conversations.find_turn_of_message(answer("b"), CHANNEL) is None
    assert await conversations.find_turn_of_message(5, CHANNEL) is None
    question = await conversations.find_turn_of_message(ord("c"), CHANNEL)
    assert question == await conversations.find_turn_of_message(answer("c"), CHANNEL)


async def test_an_answer_given_anew_takes_the_place_of_the_old_one_in_the_line(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, *"abcd")
    old = (await path(conversations, "c"))[-1]
    before = tuple(turn.id for turn in (await path(conversations, "c"))[:-1])
    new = dataclasses.replace(TURN, question="C", path=before, replaces_id=old.id, answer_message_ids=(answer("C"),))
    await conversations.save(new)
    assert await line(conversations) == "abdC"
    assert questions(await path(conversations, "C")) == "abC"
    assert questions(await path(conversations, "c")) == "abc"
    await removals.delete_by_messages([answer("C")])
    assert await line(conversations) == "abcd"


async def test_the_first_answer_of_a_line_can_be_given_anew(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, *"ab")
    await say(conversations, "c", fresh=True)
    await say(conversations, "d")
    old = (await path(conversations, "c"))[-1]
    new = dataclasses.replace(TURN, question="C", replaces_id=old.id, answer_message_ids=(answer("C"),))
    await conversations.save(new)
    assert await line(conversations) == "dC"
    assert questions(await path(conversations, "C")) == "C"
    await say(conversations, "e")
    await removals.delete_by_messages([answer("C")])
    assert await line(conversations) == "cde"


@pytest.mark.parametrize(
    ("deleted", "reply", "lines"),
    [("b", "aef", "acdefg"), ("e", "abf", "abcdfg"), ("be", "af", "acdfg"), ("abe", "f", "cdfg"), ("f", "", "abcdeg")],
)
async def test_paths_and_lines_stay_whole_around_what_is_deleted(
    conversations: Conversations, removals: TurnDeletion, deleted: str, reply: str, lines: str
) -> None:
    await say(conversations, *"abcd")
    await say(conversations, "e", to="b")
    await say(conversations, "f", to="e")
    await say(conversations, "g")
    await removals.delete_by_messages([answer(each) for each in deleted])
    assert questions(await path(conversations, "f")) == reply
    assert await line(conversations) == lines


async def test_what_was_left_out_stays_out_when_the_fresh_start_is_deleted_behind_a_reply(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, *"ab")
    await say(conversations, "c", fresh=True)
    await say(conversations, "d", to="a")
    await say(conversations, "e")
    await removals.delete_by_messages([answer("c")])
    assert await line(conversations) == "de"
    await removals.delete_by_messages([answer("d")])
    assert await line(conversations) == "e"
    assert questions(await path(conversations, "b")) == "ab"


async def test_a_reply_to_what_is_deleted_meanwhile_goes_on_from_what_is_left(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, *"abc")
    ids = tuple(turn.id for turn in await path(conversations, "b"))
    await removals.delete_by_messages([answer("b")])
    await conversations.save(dataclasses.replace(TURN, question="d", path=ids, answer_message_ids=(answer("d"),)))
    assert questions(await path(conversations, "d")) == "ad"
    await removals.delete_by_messages([answer("a")])
    await conversations.save(dataclasses.replace(TURN, question="e", path=ids, answer_message_ids=(answer("e"),)))
    assert questions(await path(conversations, "e")) == "e"
    assert await line(conversations) == "cde"


async def test_private_lines_have_paths_of_their_own(conversations: Conversations) -> None:
    await say(conversations, *"ab", private=True)
    await say(conversations, "c", private=True, author_id=BEN)
    await say(conversations, "d")
    (first, second) = await conversations.get_private_history(CHANNEL, ANN, 20)
    assert questions(await conversations.get_ancestors(second.id, 20)) == "ab"
    reply = dataclasses.replace(TURN, question="e", private=True, path=(first.id,))
    turn_id = await conversations.save(reply)
    assert turn_id is not None
    assert questions(await conversations.get_ancestors(turn_id, 20)) == "ae"
    assert questions(await conversations.get_private_history(CHANNEL, ANN, 20)) == "abe"


async def test_the_names_of_files_and_what_it_was_about_come_back(conversations: Conversations) -> None:
    await say(conversations, "a", files=("shot.png", "two\nlines.py"), about_message_id=77)
    (turn,) = await conversations.get_public_history(CHANNEL, 20)
    assert (turn.files, turn.about_message_id) == (("shot.png", "two lines.py"), 77)
