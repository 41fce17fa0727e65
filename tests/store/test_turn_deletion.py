"""Turns that go: the lines stay whole, what was left out stays out, and nothing is kept that was deleted before."""

import asyncio
import dataclasses
from typing import Any

import pytest

from bot.quotas.resolver import UsageKeys, derive_key
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.tombstones import MAX_TOMBSTONES, Tombstones
from bot.store.turn_deletion import BATCH, TurnDeletion
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


async def say(conversations: Conversations, *questions: str, **other: Any) -> None:
    """Keep a turn for each question; its answer's messages are numbered by its first letter, `a` is 1 and 2."""
    for question in questions:
        number = 2 * (ord(question[0]) - ord("a")) + 1
        await conversations.save(
            dataclasses.replace(
                TURN, **{"question": question, "answer_message_ids": (number, number + 1), "fresh": False, **other}
            )
        )


def first_message(question: str) -> int:
    return 2 * (ord(question) - ord("a")) + 1


def questions(line: list[Turn]) -> str:
    return "".join(turn.question for turn in line)


@pytest.mark.parametrize("which", [0, 1], ids=["first message", "second message"])
@pytest.mark.parametrize(
    ("deleted", "left"), [("b", "acd"), ("a", "bcd"), ("d", "abc"), ("bc", "ad"), ("abcd", "")], ids=str
)
async def test_a_line_stays_whole_around_what_is_deleted(
    conversations: Conversations, removals: TurnDeletion, deleted: str, left: str, which: int
) -> None:
    await say(conversations, *"abcd")
    assert await removals.delete_by_messages([first_message(each) + which for each in deleted]) == len(deleted)
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == left
    await say(conversations, "e")
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == left + "e"


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_a_fresh_start_stays_one_when_it_is_deleted_itself(
    conversations: Conversations, removals: TurnDeletion, private: bool
) -> None:
    async def line() -> str:
        if private:
            return questions(await conversations.get_private_history(CHANNEL, ANN, 20))
        return questions(await conversations.get_public_history(CHANNEL, 20))

    await say(conversations, "a", "b", private=private)
    await say(conversations, "c", private=private, fresh=True)
    await say(conversations, "d", private=private)
    await removals.delete_by_messages([first_message("c")])
    assert await line() == "d"
    await removals.delete_by_messages([first_message("d")])
    assert await line() == ""
    await say(conversations, "e", "f", private=private)
    assert await line() == "ef"


async def test_what_was_closed_stays_closed_when_its_end_is_deleted_as_well(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, "a", "b")
    await say(conversations, "c", fresh=True)
    for question in "cb":
        await removals.delete_by_messages([first_message(question)])
    await say(conversations, "d")
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == "d"


async def test_a_deletion_touches_no_other_line(conversations: Conversations, removals: TurnDeletion) -> None:
    await say(conversations, "a", "b")
    await say(conversations, "c", "d", private=True)
    await say(conversations, "e", private=True, author_id=BEN)
    await removals.delete_by_messages([first_message("c"), first_message("b")])
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == "a"
    assert questions(await conversations.get_private_history(CHANNEL, ANN, 20)) == "d"
    assert questions(await conversations.get_private_history(CHANNEL, BEN, 20)) == "e"


async def test_the_question_counts_as_much_as_the_answer(conversations: Conversations, removals: TurnDeletion) -> None:
    await say(conversations, "a", question_message_id=900)
    assert await removals.delete_by_messages([899]) == 0
    assert await removals.delete_by_messages([900]) == 1
    assert await conversations.get_public_history(CHANNEL, 20) == []


async def test_what_was_deleted_before_it_was_kept_is_not_kept(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await removals.delete_by_messages([first_message("a") + 1])
    await removals.delete_channel(THREAD)
    assert await conversations.save(dataclasses.replace(TURN, answer_message_ids=(1, 2))) is None
    assert await conversations.save(dataclasses.replace(TURN, channel_id=THREAD, parent_channel_id=CHANNEL)) is None
    assert await conversations.save(dataclasses.replace(TURN, parent_channel_id=THREAD)) is None
    assert await conversations.get_public_history(CHANNEL, 20) == []


async def test_a_message_noted_after_its_deletion_takes_the_turn_with_it(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    turn_id = await conversations.save(TURN)
    assert turn_id is not None
    await removals.delete_by_messages([777])
    await conversations.record_messages(turn_id, (*TURN.answer_message_ids, 777))
    assert await conversations.get_public_history(CHANNEL, 20) == []
    await conversations.record_messages(turn_id, (1, 2))
    assert await removals.delete_by_messages([1, 2]) == 0


async def test_deleting_and_keeping_at_once_never_leaves_a_turn(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    for number in range(1, 60, 2):
        turn = dataclasses.replace(TURN, answer_message_ids=(number, number + 1))
        await asyncio.gather(conversations.save(turn), removals.delete_by_messages([number + 1]))
    assert await conversations.get_public_history(CHANNEL, 100) == []


async def test_a_channel_goes_with_its_threads_and_private_turns(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, *"ab")
    await say(conversations, "c", private=True)
    await say(conversations, *"de", channel_id=THREAD, parent_channel_id=CHANNEL)
    await say(conversations, "f", channel_id=99)
    assert await removals.delete_channel(CHANNEL) == 5
    assert questions(await conversations.get_public_history(99, 20)) == "f"


async def test_a_thread_goes_alone(conversations: Conversations, removals: TurnDeletion) -> None:
    await say(conversations, "a")
    await say(conversations, "b", channel_id=THREAD, parent_channel_id=CHANNEL)
    assert await removals.delete_channel(THREAD) == 1
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == "a"


async def test_clearing_leaves_other_members_private_turns(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await say(conversations, *"ab")
    await say(conversations, "c", private=True)
    await say(conversations, "d", private=True, author_id=BEN)
    await say(conversations, "e", channel_id=THREAD, parent_channel_id=CHANNEL)
    assert await removals.delete_visible_to(ANN, CHANNEL) == 3
    assert questions(await conversations.get_private_history(CHANNEL, BEN, 20)) == "d"
    assert questions(await conversations.get_public_history(THREAD, 20)) == "e"


async def test_a_members_turns_go_everywhere_and_the_others_lines_close_up(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    for question, author in zip("abcd", (ANN, BEN, ANN, BEN), strict=True):
        await say(conversations, question, author_id=author)
    await say(conversations, "e", private=True)
    await say(conversations, *"fg", guild_id=None, channel_id=77)
    assert await removals.delete_member(ANN, at_ms=TURN.asked_at_ms) == 5
    assert questions(await conversations.get_public_history(CHANNEL, 20)) == "bd"
    assert await conversations.get_public_history(77, 20) == []


async def test_an_answer_asked_for_before_its_members_data_went_is_not_kept(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    await removals.delete_member(ANN, at_ms=TURN.asked_at_ms)
    assert await conversations.save(TURN) is None
    assert await conversations.save(dataclasses.replace(TURN, author_id=BEN)) is not None
    assert await conversations.save(dataclasses.replace(TURN, asked_at_ms=TURN.asked_at_ms + 1)) is not None


async def test_no_process_keeps_what_was_asked_for_before_a_members_data_went(database: Database) -> None:
    code = UsageKeys(derive_key("a token")).erasure_key
    one, another = (Tombstones(code) for _ in range(2))
    await TurnDeletion(database, one).delete_member(ANN, at_ms=TURN.asked_at_ms)
    assert await Conversations(database, another).save(TURN) is None
    await TurnDeletion(database, one).purge_erasure_markers(TURN.asked_at_ms)
    assert await Conversations(database, another).save(TURN) is None
    await TurnDeletion(database, one).purge_erasure_markers(TURN.asked_at_ms + 1)
    assert await Conversations(database, another).save(TURN) is not None


async def test_old_turns_go_in_batches_and_the_rest_of_the_line_stays(
    conversations: Conversations, removals: TurnDeletion
) -> None:
    for number in range(2 * BATCH + 3):
        await say(conversations, "a", created_at_ms=number)
    assert await removals.delete_older_than(2 * BATCH + 1) == 2 * BATCH + 1
    line = await conversations.get_public_history(CHANNEL, 20)
    assert [(turn.created_at_ms, turn.parent_id is None) for turn in line] == [
        (2 * BATCH + 1, True),
        (2 * BATCH + 2, False),
    ]


def test_only_so_much_is_remembered_of_what_is_gone(tombstones: Tombstones) -> None:
    tombstones.add(range(MAX_TOMBSTONES + 5))
    assert [tombstones.contains_any([each]) for each in (4, 5, MAX_TOMBSTONES + 4)] == [False, True, True]
