"""Deletions that the store could not take are carried out later, and hold from the first moment on."""

import asyncio

from kept_turns import CHANNEL, Say, SleepClock
from test_retention import Unreachable

from bot.memory.deletions import RETRY_S, Deletions
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.gone import Gone
from bot.store.removals import Removals


async def lines(conversations: Conversations) -> str:
    return "".join(turn.question for turn in await conversations.public_line(CHANNEL, 20))


async def test_what_could_not_be_deleted_is_out_of_sight_at_once_and_deleted_later(
    database: Database, conversations: Conversations, gone: Gone, say: Say, clock: SleepClock
) -> None:
    await say("a", answer_message_ids=(1, 2))
    await say("b", answer_message_ids=(3,))
    store = Unreachable(database)
    deletions = Deletions(Removals(store, gone), clock)
    async with deletions.running():
        await deletions.messages([2])
        assert await lines(conversations) == "b"
        assert await lines(Conversations(database)) == "ab"
        assert await clock.asleep() == RETRY_S
        store.down = False
        await deletions.messages([99])
    assert await lines(Conversations(database)) == "b"


async def test_a_channel_is_tried_again_as_well(
    database: Database, conversations: Conversations, gone: Gone, say: Say, clock: SleepClock
) -> None:
    await say("a")
    store = Unreachable(database)
    deletions = Deletions(Removals(store, gone), clock)
    async with deletions.running():
        await deletions.channel(CHANNEL)
        await clock.asleep()
        assert await lines(conversations) == "a"
        await clock.sleep_over()
        store.down = False
        await clock.advance(RETRY_S)
        async with asyncio.timeout(10):
            while await lines(conversations):
                pass  # each look is a transaction of its own
    assert clock.slept == [RETRY_S] * 2
