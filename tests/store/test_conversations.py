import asyncio
import dataclasses
from typing import Any

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.turns import Turn
from tests.support.turns import ANN, BEN, CHANNEL, THREAD, TURN


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


async def say(conversations: Conversations, question: str, **other: Any) -> int:
    turn_id = await conversations.save(dataclasses.replace(TURN, question=question, **other))
    assert turn_id is not None
    return turn_id


def questions(line: list[Turn]) -> list[str]:
    return [turn.question for turn in line]


async def test_a_turn_comes_back_as_it_was_saved(conversations: Conversations) -> None:
    turn_id = await say(conversations, "why? 🦜\r\n", question_message_id=500)
    (turn,) = await conversations.get_public_history(CHANNEL, 20)
    saved = dataclasses.asdict(dataclasses.replace(TURN, question="why? 🦜\r\n", question_message_id=500))
    for name in ("fresh", "path", "replaces_id", "parent_channel_id", "asked_at_ms"):
        del saved[name]
    assert dataclasses.asdict(turn) == {"id": turn_id, "parent_id": None, "is_branch": False, **saved}


async def test_public_turns_form_one_line_in_the_order_they_settled(conversations: Conversations) -> None:
    ids = [await say(conversations, question, author_id=who) for question, who in [("a", ANN), ("b", BEN), ("c", ANN)]]
    line = await conversations.get_public_history(CHANNEL, 20)
    assert questions(line) == ["a", "b", "c"]
    assert [turn.parent_id for turn in line] == [None, ids[0], ids[1]]


async def test_the_newest_turns_are_given_when_there_are_more_than_fit(conversations: Conversations) -> None:
    for number in range(6):
        await say(conversations, str(number), answer_message_ids=(number,))
    line = await conversations.get_public_history(CHANNEL, 2)
    assert questions(line) == ["4", "5"]
    assert [turn.answer_message_ids for turn in line] == [(4,), (5,)]
    assert await conversations.get_public_history(CHANNEL, 0) == []


async def test_a_fresh_question_starts_a_line_that_nothing_reaches_behind(conversations: Conversations) -> None:
    await say(conversations, "old")
    await say(conversations, "new", fresh=True)
    await say(conversations, "next")
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == ["new", "next"]


async def test_a_thread_has_a_history_of_its_own(conversations: Conversations) -> None:
    await say(conversations, "in the channel")
    await say(conversations, "in the thread", channel_id=THREAD)
    assert questions(await conversations.get_public_history(THREAD, 20)) == ["in the thread"]
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == ["in the channel"]


async def test_private_turns_are_seen_by_their_author_in_that_channel_alone(conversations: Conversations) -> None:
    await say(conversations, "public")
    await say(conversations, "secret", private=True)
    await say(conversations, "Ben's", private=True, author_id=BEN)
    await say(conversations, "elsewhere", private=True, channel_id=THREAD)
    await say(conversations, "secret too", private=True)
    assert questions(await conversations.get_private_history(CHANNEL, ANN, 20)) == ["secret", "secret too"]
    assert questions(await conversations.get_private_history(CHANNEL, BEN, 20)) == ["Ben's"]
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == ["public"]


async def test_a_fresh_private_question_cuts_no_line_but_its_own(conversations: Conversations) -> None:
    for question in ("a", "b"):
        await say(conversations, question)
        await say(conversations, f"secret {question}", private=True, fresh=question == "b")
    assert questions(await conversations.get_private_history(CHANNEL, ANN, 20)) == ["secret b"]
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == ["a", "b"]


async def test_answers_that_settle_at_once_do_not_fork_the_line(conversations: Conversations) -> None:
    await asyncio.gather(*(say(conversations, str(number)) for number in range(20)))
    line = await conversations.get_public_history(CHANNEL, 20)
    assert sorted(questions(line), key=int) == [str(number) for number in range(20)]
    assert [turn.parent_id for turn in line] == [None, *(turn.id for turn in line[:-1])]


async def test_what_no_database_takes_is_replaced_and_the_rest_is_kept(conversations: Conversations) -> None:
    await say(conversations, "half \ud83d of it", author_name="A\0nn")
    (turn,) = await conversations.get_public_history(CHANNEL, 1)
    assert turn.question == "half ? of it"
    assert turn.author_name == "A\ufffdnn"


async def test_an_empty_channel_has_an_empty_line(conversations: Conversations) -> None:
    assert await conversations.get_public_history(CHANNEL, 20) == []
    assert await conversations.get_private_history(CHANNEL, ANN, 20) == []


async def test_messages_that_the_last_words_added_are_noted(conversations: Conversations) -> None:
    turn_id = await say(conversations, "why?", answer_message_ids=(11,))
    await conversations.record_messages(turn_id, (11, 12))
    (kept,) = await conversations.get_public_history(CHANNEL, 20)
    assert kept.answer_message_ids == (11, 12)


async def test_of_some_turns_it_is_told_which_are_still_there(conversations: Conversations) -> None:
    await say(conversations, "why?")
    await say(conversations, "how?")
    line = await conversations.get_public_history(CHANNEL, 20)
    deleted = dataclasses.replace(line[0], id=line[1].id + 1)
    assert await conversations.list_existing([line[0], deleted, line[1]]) == line
    assert await conversations.list_existing([]) == []
