"""Answers that are ended early: on request, in any process, when their time is up and when they are deleted."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.context import Permission, RequestContext
from bot.errors import NotOwner
from bot.inflight.cancellation import MAX_DURATION_S, POLL_INTERVAL_S, CancellationToken, CancelReason, InFlightRequest
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.process_lease import ProcessLease
from bot.store.database import Database
from bot.store.inflight import InFlightAnswers, Phase
from tests.support.clock import FakeClock, settle
from tests.support.requests import make_requester


@pytest.fixture
async def registries(
    database: Database, clock: FakeClock, path: Path
) -> AsyncIterator[tuple[InFlightRegistry, InFlightRegistry]]:
    """Two processes on one database."""

    async def nobody(_: str) -> None: ...

    async with AsyncExitStack() as stack:
        made = []
        for name in ("one", "two"):
            process_lock = stack.enter_context(holding(path, name))
            lease = ProcessLease(database, clock, process_lock)
            made.append(InFlightRegistry(database, clock, lease=lease, free_reservations=nobody))
            await stack.enter_async_context(made[-1].running())
        yield made[0], made[1]


async def registered(registry: InFlightRegistry, event_id: int = 9, token: str = "secret") -> InFlightRequest:
    entry = await registry.register(event_id, application_id=1, token=token, channel_id=2, member_id=5)
    assert entry is not None
    return entry


def requester(user_id: int = 5, channel_id: int = 2, *rights: Permission) -> RequestContext:
    return make_requester(user_id, guild_id=1, channel_id=channel_id, permissions=rights)


async def cancel_reason(entry: InFlightRequest, database: Database, clock: FakeClock) -> CancelReason | None:
    """Let some looks pass, each of which takes the database a moment."""
    for _ in range(5):
        await clock.advance(POLL_INTERVAL_S)
        await InFlightAnswers(database).list_cancel_requested("nobody")  # waits behind the look, which is a read too
        await settle()
    return entry.cancellation.reason


async def test_an_answer_is_stopped_at_once_where_it_is_written(
    registries: tuple[InFlightRegistry, InFlightRegistry],
) -> None:
    one, _ = registries
    entry = await registered(one)
    assert await one.watcher.stop(requester(), 9)
    assert entry.cancellation.reason is CancelReason.STOPPED


async def test_nobody_stops_an_answer_from_another_channel(
    registries: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, two = registries
    entry = await registered(one)
    assert not await one.watcher.stop(requester(channel_id=3), 9)
    assert not await two.watcher.stop(requester(channel_id=3), 9)
    assert await cancel_reason(entry, database, clock) is None


async def test_an_answer_is_stopped_by_its_asker_and_by_who_may_manage_messages(
    registries: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, two = registries
    entry = await registered(one)
    for registry in (one, two):
        with pytest.raises(NotOwner):
            await registry.watcher.stop(requester(6), 9)
    assert await cancel_reason(entry, database, clock) is None
    assert await two.watcher.stop(requester(6, 2, Permission.MANAGE_MESSAGES), 9)
    assert await cancel_reason(entry, database, clock) is CancelReason.STOPPED
    entry.finish()


async def test_a_request_that_comes_to_another_process_is_heard_at_the_next_look(
    registries: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, two = registries
    entry, other = await registered(one), await registered(one, 10)
    assert await two.watcher.stop(requester(), 9)
    assert entry.cancellation.reason is None
    assert await cancel_reason(entry, database, clock) is CancelReason.STOPPED
    assert other.cancellation.reason is None
    entry.finish()


async def test_what_has_ended_cannot_be_stopped(registries: tuple[InFlightRegistry, InFlightRegistry]) -> None:
    one, two = registries
    await one.finish((await registered(one)).answer.id)
    assert not await one.watcher.stop(requester(), 9)
    assert not await two.watcher.stop(requester(), 9)


async def test_an_interactions_time_is_up_after_14_minutes_and_a_messages_never(
    registries: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock
) -> None:
    one, _ = registries
    interaction, message = await registered(one), await registered(one, 10, token="")
    await clock.advance(MAX_DURATION_S - 5 * POLL_INTERVAL_S - 1)
    assert await cancel_reason(interaction, database, clock) is None
    await clock.advance(1)
    assert await cancel_reason(interaction, database, clock) is CancelReason.OUT_OF_TIME
    assert message.cancellation.reason is None


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1), timedelta(minutes=-15), timedelta(days=-1)])
async def test_a_wall_clock_that_is_set_cuts_no_answer_and_lets_none_go_on_for_ever(
    registries: tuple[InFlightRegistry, InFlightRegistry], database: Database, clock: FakeClock, step: timedelta
) -> None:
    one, _ = registries
    interaction = await registered(one)
    clock.step(step)
    assert await cancel_reason(interaction, database, clock) is None
    await clock.advance(MAX_DURATION_S - 10 * POLL_INTERVAL_S - 1)
    assert await cancel_reason(interaction, database, clock) is None
    await clock.advance(1)
    assert await cancel_reason(interaction, database, clock) is CancelReason.OUT_OF_TIME


async def test_an_answer_ends_with_any_of_its_messages_or_its_channel(
    registries: tuple[InFlightRegistry, InFlightRegistry],
) -> None:
    watcher = registries[0].watcher
    first, second, third = [await registered(registries[0], event_id) for event_id in (9, 10, 11)]
    first.set_phase(Phase.TEXT, (50, 51))
    watcher.on_messages_deleted([7, 51])
    assert (first.cancellation.reason, second.cancellation.reason) == (CancelReason.DELETED, None)
    watcher.on_messages_deleted([10])  # what asks, before there is a word
    assert (second.cancellation.reason, third.cancellation.reason) == (CancelReason.DELETED, None)
    watcher.on_channel_deleted(2)
    assert third.cancellation.reason is CancelReason.DELETED


async def test_a_message_may_be_deleted_before_anybody_knows_its_id(
    registries: tuple[InFlightRegistry, InFlightRegistry],
) -> None:
    entry = await registered(registries[0])
    registries[0].watcher.on_messages_deleted([50])
    assert entry.cancellation.reason is None
    entry.set_phase(Phase.TEXT, (50,))
    assert entry.cancellation.reason is CancelReason.DELETED


def test_the_first_reason_counts_and_deletion_in_any_case() -> None:
    cancellation = CancellationToken()
    cancellation.cancel(CancelReason.OUT_OF_TIME)
    cancellation.cancel(CancelReason.STOPPED)
    assert cancellation.reason is CancelReason.OUT_OF_TIME
    cancellation.cancel(CancelReason.DELETED)
    assert cancellation.reason is CancelReason.DELETED
