"""Answers that are ended early: on request, in any process, when their time is up and when they are deleted."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.context import Permission, RequestContext
from bot.errors import NotOwner
from bot.inflight.cancellation import CancellationToken, CancelReason
from bot.inflight.cancellation_watcher import LONGEST_S, LOOK_EVERY_S
from bot.inflight.registry import InFlightRegistry
from bot.inflight.request import InFlightRequest
from bot.liveness import holding
from bot.store.database import Database
from bot.store.inflight import InFlightAnswers, Phase
from tests.support.clock import FakeClock, settle


@pytest.fixture
async def rosters(
    database: Database, clock: FakeClock, path: Path
) -> AsyncIterator[tuple[InFlightRegistry, InFlightRegistry]]:
    """Two processes on one database."""

    async def nobody(_: str) -> None: ...

    async with AsyncExitStack() as stack:
        made = []
        for name in ("one", "two"):
            lifeline = stack.enter_context(holding(path, name))
            made.append(InFlightRegistry(database, clock, process=name, lifeline=lifeline, bury=nobody))
            await stack.enter_async_context(made[-1].running())
        yield made[0], made[1]


async def admitted(roster: InFlightRegistry, event_id: int = 9, token: str = "secret") -> InFlightRequest:
    entry = await roster.admit(event_id, application_id=1, token=token, channel_id=2, member_id=5)
    assert entry is not None
    return entry


def asker(user_id: int = 5, channel_id: int = 2, *rights: Permission) -> RequestContext:
    return RequestContext(user_id, "somebody", 1, channel_id, channel_id, frozenset(rights))


async def halted(entry: InFlightRequest, database: Database, clock: FakeClock) -> CancelReason | None:
    """Let some looks pass, each of which takes the database a moment."""
    for _ in range(5):
        await clock.advance(LOOK_EVERY_S)
        await InFlightAnswers(database).to_stop("nobody")  # waits behind the look, which is a read too
        await settle()
    return entry.brake.halt


async def test_an_answer_is_stopped_at_once_where_it_is_written(
    rosters: tuple[InFlightRegistry, InFlightRegistry],
) -> None:
    one, _ = rosters
    entry = await admitted(one)
    assert await one.halting.stop(asker(), 9)
    assert entry.brake.halt is CancelReason.STOPPED


async def test_nobody_stops_an_answer_from_another_channel(
    rosters: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, two = rosters
    entry = await admitted(one)
    assert not await one.halting.stop(asker(channel_id=3), 9)
    assert not await two.halting.stop(asker(channel_id=3), 9)
    assert await halted(entry, database, clock) is None


async def test_an_answer_is_stopped_by_its_asker_and_by_who_may_manage_messages(
    rosters: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, two = rosters
    entry = await admitted(one)
    for roster in (one, two):
        with pytest.raises(NotOwner):
            await roster.halting.stop(asker(6), 9)
    assert await halted(entry, database, clock) is None
    assert await two.halting.stop(asker(6, 2, Permission.MANAGE_MESSAGES), 9)
    assert await halted(entry, database, clock) is CancelReason.STOPPED
    entry.end()


async def test_a_request_that_comes_to_another_process_is_heard_at_the_next_look(
    rosters: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, two = rosters
    entry, other = await admitted(one), await admitted(one, 10)
    assert await two.halting.stop(asker(), 9)
    assert entry.brake.halt is None
    assert await halted(entry, database, clock) is CancelReason.STOPPED
    assert other.brake.halt is None
    entry.end()


async def test_what_has_ended_cannot_be_stopped(rosters: tuple[InFlightRegistry, InFlightRegistry]) -> None:
    one, two = rosters
    await one.finish((await admitted(one)).answer.id)
    assert not await one.halting.stop(asker(), 9)
    assert not await two.halting.stop(asker(), 9)


async def test_an_interactions_time_is_up_after_14_minutes_and_a_messages_never(
    rosters: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, _ = rosters
    interaction, message = await admitted(one), await admitted(one, 10, token="")
    await clock.advance(LONGEST_S - 5 * LOOK_EVERY_S - 1)
    assert await halted(interaction, database, clock) is None
    await clock.advance(1)
    assert await halted(interaction, database, clock) is CancelReason.OUT_OF_TIME
    assert message.brake.halt is None


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1), timedelta(minutes=-15), timedelta(days=-1)])
async def test_a_wall_clock_that_is_set_cuts_no_answer_and_lets_none_go_on_for_ever(
    rosters: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock, step: timedelta
) -> None:
    one, _ = rosters
    interaction = await admitted(one)
    clock.step(step)
    assert await halted(interaction, database, clock) is None
    await clock.advance(LONGEST_S - 10 * LOOK_EVERY_S - 1)
    assert await halted(interaction, database, clock) is None
    await clock.advance(1)
    assert await halted(interaction, database, clock) is CancelReason.OUT_OF_TIME


async def test_an_answer_ends_with_any_of_its_messages_or_its_channel(
    rosters: tuple[InFlightRegistry, InFlightRegistry],
) -> None:
    halting = rosters[0].halting
    first, second, third = [await admitted(rosters[0], event_id) for event_id in (9, 10, 11)]
    first.show(Phase.WORDS, (50, 51))
    halting.messages_deleted([7, 51])
    assert (first.brake.halt, second.brake.halt) == (CancelReason.DELETED, None)
    halting.messages_deleted([10])  # what asks, before there is a word
    assert (second.brake.halt, third.brake.halt) == (CancelReason.DELETED, None)
    halting.channel_deleted(2)
    assert third.brake.halt is CancelReason.DELETED


async def test_a_message_may_be_deleted_before_anybody_knows_its_id(
    rosters: tuple[InFlightRegistry, InFlightRegistry],
) -> None:
    entry = await admitted(rosters[0])
    rosters[0].halting.messages_deleted([50])
    assert entry.brake.halt is None
    entry.show(Phase.WORDS, (50,))
    assert entry.brake.halt is CancelReason.DELETED


def test_the_first_reason_counts_and_deletion_in_any_case() -> None:
    brake = CancellationToken()
    brake.pull(CancelReason.OUT_OF_TIME)
    brake.pull(CancelReason.STOPPED)
    assert brake.halt is CancelReason.OUT_OF_TIME
    brake.pull(CancelReason.DELETED)
    assert brake.halt is CancelReason.DELETED
