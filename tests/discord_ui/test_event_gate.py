"""Events that come just before the bot stops: each is admitted or refused, and told so, before the gate is closed."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from bot.discord_ui.event_gate import EventGate
from bot.errors import ShuttingDown
from bot.inflight.cancellation import InFlightRequest
from bot.inflight.registry import InFlightRegistry
from bot.store.inflight import InFlightAnswer
from tests.support.clock import FakeClock, settle

EVENT = 7


class SlowRegistry:
    """As much of a registry as the gate needs; its claims are written when a test says so."""

    def __init__(self) -> None:
        self.written = asyncio.Event()
        self.finished: list[int] = []

    async def claim(self, _: int) -> bool:
        await self.written.wait()
        return True

    async def register(self, event_id: int, **_: object) -> InFlightRequest:
        await self.written.wait()
        done: asyncio.Task[Any] = asyncio.create_task(asyncio.sleep(0))

        def finish(answer_id: int) -> asyncio.Task[Any]:
            self.finished.append(answer_id)
            return done

        return InFlightRequest(InFlightAnswer(event_id, 1, "", 2, 0), lambda _: done, finish)


class MemoryEvent:
    """An event of which a test knows what its author was told."""

    id = EVENT

    def __init__(self, *, is_reachable: bool = True) -> None:
        self.told: list[Exception] = []
        self._is_reachable = is_reachable

    def set_inflight_request(self, inflight: InFlightRequest) -> None:
        pass

    async def tell(self, error: Exception) -> bool:
        self.told.append(error)
        return self._is_reachable

    async def tell_unless_answered(self, error: Exception) -> bool:
        return await self.tell(error)


class Gate:
    """A gate, and the work of the events that it admits."""

    def __init__(self, clock: FakeClock) -> None:
        self.registry = SlowRegistry()
        self.gate = EventGate(cast(InFlightRegistry, self.registry), clock, asyncio.Event())
        self.worked = False

    async def come(self, event: MemoryEvent, work: Callable[[], Any] = lambda: asyncio.sleep(0)) -> None:
        if await self.gate.admit_message(event, application_id=1, channel_id=2, member_id=3):
            await work()
            self.worked = True


@pytest.fixture
def gate(clock: FakeClock) -> Gate:
    return Gate(clock)


async def test_an_event_whose_claim_is_being_written_is_answered_before_the_gate_is_closed(gate: Gate) -> None:
    coming = asyncio.create_task(gate.come(MemoryEvent()))
    await settle()
    closing = asyncio.create_task(gate.gate.close(8))
    await settle()
    assert not closing.done()
    gate.registry.written.set()
    await closing
    await coming
    assert gate.worked


async def test_an_event_that_is_refused_at_the_end_is_told_so_before_the_gate_is_closed(
    gate: Gate, clock: FakeClock
) -> None:
    gate.registry.written.set()
    await gate.gate.close(8)
    event = MemoryEvent()
    coming = asyncio.create_task(gate.come(event))
    await settle()
    closing = asyncio.create_task(gate.gate.close(8))
    await settle()
    assert not closing.done()
    await clock.drive(closing)
    await coming
    assert [type(error) for error in event.told] == [ShuttingDown]
    assert not gate.worked


@pytest.mark.parametrize("is_reachable", [True, False])
async def test_the_row_of_whom_a_stopping_process_cannot_reach_is_left_to_the_next_one(
    gate: Gate, clock: FakeClock, *, is_reachable: bool
) -> None:
    gate.registry.written.set()
    event = MemoryEvent(is_reachable=is_reachable)
    coming = asyncio.create_task(gate.come(event, asyncio.Event().wait))
    await settle()
    await clock.drive(gate.gate.close(8))
    assert coming.cancelled()
    assert [type(error) for error in event.told] == [ShuttingDown]
    assert gate.registry.finished == [EVENT] * is_reachable
