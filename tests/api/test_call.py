"""Waits that end in time, on a clock that the test moves."""

import asyncio
from functools import partial
from random import random

import pytest

from bot.api.call import ApiCall
from bot.errors import ApiTimeout
from tests.support.clock import FakeClock


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_work_that_is_done_in_time_gives_its_result(clock: FakeClock) -> None:
    async def work() -> str:
        await clock.sleep(9)
        return "done"

    with ApiCall(clock, "chat", 600, random) as call:
        assert await clock.drive(call.wait(work, call.due_in(10))) == "done"


async def test_work_that_takes_longer_is_interrupted(clock: FakeClock) -> None:
    with ApiCall(clock, "chat", 600, random) as call:
        with pytest.raises(ApiTimeout):
            await clock.drive(call.wait(for_ever, call.due_in(10)))

        assert clock.monotonic() == 10


async def test_each_wait_has_a_limit_of_its_own(clock: FakeClock) -> None:
    with ApiCall(clock, "chat", 600, random) as call:
        for seconds in (50, 30, 50):
            due = call.due_in(60)
            await clock.drive(call.wait(partial(clock.sleep, seconds), due))
        with pytest.raises(ApiTimeout):
            await clock.drive(call.wait(for_ever, call.due_in(5)))

    assert clock.monotonic() == 135


async def test_the_whole_is_limited_however_short_its_parts(clock: FakeClock) -> None:
    with ApiCall(clock, "chat", 100, random) as call:
        await clock.drive(call.wait(lambda: clock.sleep(70), call.due_in(80)))
        with pytest.raises(ApiTimeout):
            await clock.drive(call.wait(lambda: clock.sleep(70), call.due_in(80)))

        assert clock.monotonic() == 100
        with pytest.raises(ApiTimeout):
            await call.wait(for_ever, call.due_in(80))


async def test_time_between_waits_counts_for_the_whole_only(clock: FakeClock) -> None:
    with ApiCall(clock, "chat", 600, random) as call:
        await clock.drive(call.wait(lambda: clock.sleep(1), call.due_in(60)))
        await clock.advance(300)
        await clock.drive(call.wait(lambda: clock.sleep(59), call.due_in(60)))

    assert clock.monotonic() == 360


async def test_a_cancelled_wait_is_cancelled_and_not_too_slow(clock: FakeClock) -> None:
    with ApiCall(clock, "chat", 600, random) as call:
        waiting = asyncio.create_task(call.wait(for_ever, call.due_in(60)))
        await clock.advance(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_clock_that_jumps_ends_every_wait_and_hangs_nothing() -> None:
    clock = FakeClock(skip_sleeps=True)
    with ApiCall(clock, "chat", 600, random) as call, pytest.raises(ApiTimeout):
        await call.wait(for_ever, call.due_in(60))

    assert clock.monotonic() == 0
