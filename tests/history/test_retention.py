"""What is kept long enough goes: at the start, then once a day, and as soon as the store can be used again."""

from datetime import timedelta

import pytest

from bot.clock import unix_ms
from bot.history.guild_cleanup import GuildCleanup
from bot.history.retention import CLOCK_CHECK_INTERVAL_S, RETRY_S, SWEEP_INTERVAL_S, Retention
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.left_guilds import LeftGuilds
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from tests.history.stored_turns import Say
from tests.support.clock import NOON, FakeClock
from tests.support.database import UnreachableDatabase
from tests.support.requests import CHANNEL, GUILD


def retention(database: Database, clock: FakeClock, *, days: int = 30) -> Retention:
    return Retention(TurnDeletion(database, Tombstones()), GuildCleanup(LeftGuilds(database), clock), clock, days=days)


def days_ago(days: float) -> int:
    return unix_ms(NOON - timedelta(days=days))


async def left(conversations: Conversations) -> str:
    return "".join(turn.question for turn in await conversations.get_public_history(CHANNEL, 20))


async def test_turns_go_at_the_start_and_then_day_by_day(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock
) -> None:
    for question, age in (("a", 30.01), ("b", 29.5), ("c", 28.5), ("d", 0)):
        await say(question, created_at_ms=days_ago(age))
    async with retention(database, clock).running():
        assert await clock.wait_for_sleep() == SWEEP_INTERVAL_S
        assert await left(conversations) == "bcd"
        await clock.sleep_through()
        assert await left(conversations) == "cd"
        await clock.sleep_through()
        assert await left(conversations) == "d"


async def test_a_sweep_that_could_not_be_done_is_done_within_the_hour(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock
) -> None:
    await say("a", created_at_ms=days_ago(3))
    store = UnreachableDatabase(database)
    async with retention(store, clock, days=2).running():
        assert await clock.wait_for_sleep() == RETRY_S
        assert await left(conversations) == "a"
        store.down = False
        assert await clock.sleep_through() == SWEEP_INTERVAL_S
        assert await left(conversations) == ""


async def test_no_server_is_purged_before_discord_has_said_which_there_are(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock
) -> None:
    await say("a")
    await LeftGuilds(database).record([GUILD], days_ago(8))
    guild_cleanup = GuildCleanup(LeftGuilds(database), clock)
    await guild_cleanup.delete_due()
    assert await left(conversations) == "a"
    await guild_cleanup.compare([], lambda guild_id: guild_id != GUILD)
    assert await left(conversations) == "a"
    await guild_cleanup.compare([], lambda _: True)
    assert await left(conversations) == ""


@pytest.mark.parametrize(("days", "kept"), [(6.9, "a"), (7.1, "")])
async def test_a_server_is_kept_for_a_week_from_when_it_was_missed(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock, days: float, kept: str
) -> None:
    await say("a")
    guild_cleanup = GuildCleanup(LeftGuilds(database), clock)
    await guild_cleanup.record_leave(GUILD)
    await guild_cleanup.compare([], lambda _: True)
    await clock.advance(days * 86_400)
    await guild_cleanup.delete_due()
    assert await left(conversations) == kept


async def test_a_server_that_is_back_is_not_purged_and_counts_from_the_start_when_it_goes_again(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock
) -> None:
    await say("a")
    guild_cleanup = GuildCleanup(LeftGuilds(database), clock)
    await guild_cleanup.record_leave(GUILD)
    await clock.advance(6 * 86_400)
    await guild_cleanup.record_join(GUILD)
    await clock.advance(6 * 86_400)
    await guild_cleanup.record_leave(GUILD)
    await clock.advance(6 * 86_400)
    await guild_cleanup.delete_due()
    assert await left(conversations) == "a"
    await clock.advance(2 * 86_400)
    await guild_cleanup.record_available(GUILD)
    await guild_cleanup.delete_due()
    assert await left(conversations) == "a"


async def test_a_departure_that_could_not_be_noted_is_found_by_the_next_comparison(
    database: Database, say: Say, clock: FakeClock
) -> None:
    await say("a")
    store = UnreachableDatabase(database)
    guild_cleanup = GuildCleanup(LeftGuilds(store), clock)
    await guild_cleanup.record_leave(GUILD)
    store.down = False
    assert await LeftGuilds(database).list_due(unix_ms(clock.now())) == []
    await guild_cleanup.compare([], lambda _: True)
    assert await LeftGuilds(database).list_due(unix_ms(clock.now())) == [GUILD]


async def test_nothing_is_swept_before_discord_has_sent_the_time(
    database: Database, conversations: Conversations, say: Say
) -> None:
    await say("a", created_at_ms=days_ago(31))
    clock = FakeClock(synchronized=False)
    async with retention(database, clock).running():
        assert await clock.wait_for_sleep() == CLOCK_CHECK_INTERVAL_S
        assert await clock.sleep_through() == CLOCK_CHECK_INTERVAL_S
        assert await left(conversations) == "a"
        clock.synchronize()
        assert await clock.sleep_through() == SWEEP_INTERVAL_S
        assert await left(conversations) == ""


@pytest.mark.parametrize("days", [400, -400])
async def test_a_start_with_a_wrong_clock_deletes_nothing_and_a_right_one_sweeps(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock, days: int
) -> None:
    await say("old", created_at_ms=days_ago(31))
    await say("new")
    clock.step(timedelta(days=days))
    async with retention(database, clock).running():
        for _ in range(100):
            assert await clock.sleep_through() == CLOCK_CHECK_INTERVAL_S
        assert await left(conversations) == "oldnew"
        clock.step(-timedelta(days=days))
        assert await clock.sleep_through() == SWEEP_INTERVAL_S
        assert await left(conversations) == "new"


async def test_a_clock_that_steps_between_two_sweeps_deletes_nothing(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock
) -> None:
    await say("a")
    async with retention(database, clock).running():
        assert await clock.wait_for_sleep() == SWEEP_INTERVAL_S
        clock.step(timedelta(days=40))
        assert await clock.sleep_through() == CLOCK_CHECK_INTERVAL_S
        assert await left(conversations) == "a"


async def test_a_wrong_clock_purges_no_server_and_counts_the_week_from_the_right_day(
    database: Database, conversations: Conversations, say: Say, clock: FakeClock
) -> None:
    await say("a")
    guild_cleanup = GuildCleanup(LeftGuilds(database), clock)
    clock.step(timedelta(days=-400))
    await guild_cleanup.record_leave(GUILD)
    await guild_cleanup.compare([], lambda _: True)
    clock.step(timedelta(days=400))
    await guild_cleanup.delete_due()
    assert await left(conversations) == "a"
    clock.step(timedelta(days=400))
    await guild_cleanup.delete_due()
    assert await left(conversations) == "a"
    clock.step(timedelta(days=-400))
    await clock.advance(8 * 86_400)
    await guild_cleanup.delete_due()
    assert await left(conversations) == ""
