"""Answers that share a bucket: each gets its share of it, and none asks for more than there is."""

import asyncio
import itertools

import pytest

from bot.streaming.edit_scheduler import FairEditScheduler
from bot.streaming.message_streamer import MessageStreamer
from tests.support.clock import FakeClock, settle
from tests.support.markdown_oracle import shows_whole
from tests.support.memory_output import MemoryRoom, MemorySurface

WINDOW_S = 5.0
SIZE = 5


async def spoken(
    surface: MemorySurface, turnstile: FairEditScheduler, clock: FakeClock, words: int, every: float
) -> None:
    with turnstile.taking_part():
        async with MessageStreamer(surface, clock) as relay:
            for _ in range(words):
                relay.feed("word ")
                await clock.sleep(every)


@pytest.mark.parametrize("latency", [0.0, 0.15, 0.6])
@pytest.mark.parametrize("answers", [2, 5, 8])
async def test_nobody_waits_much_longer_than_a_fair_share(clock: FakeClock, answers: int, latency: float) -> None:
    room = MemoryRoom(clock, SIZE, WINDOW_S)
    turnstile = FairEditScheduler(room, clock)
    surfaces = [MemorySurface(clock, shared=(room, turnstile), latencies=[latency]) for _ in range(answers)]
    await clock.drive(
        asyncio.gather(*(spoken(surface, turnstile, clock, 600, 0.1 + n / 1000) for n, surface in enumerate(surfaces)))
    )
    share = max(answers * WINDOW_S / SIZE, answers * latency)
    assert [surface.broken for surface in surfaces] == [[]] * answers
    assert max(max(surface.waited) for surface in surfaces) <= 1.3 * share
    # Nor are two edits of one answer further apart, beyond what the pacer leaves to a slow Discord.
    starts = [[edit.started for edit in surface.edits] for surface in surfaces]
    apart = [later - earlier for each in starts for earlier, later in itertools.pairwise(each)]
    assert max(apart) <= 1.3 * share + 2 * latency
    counts = [len(each) for each in starts]
    assert max(counts) - min(counts) <= 2
    assert all(shows_whole(surface.messages, "word " * 600) for surface in surfaces)


async def test_one_that_is_alone_leaves_a_request_for_its_last_edit(clock: FakeClock) -> None:
    room = MemoryRoom(clock, SIZE, WINDOW_S)
    turnstile = FairEditScheduler(room, clock)
    surface = MemorySurface(clock, shared=(room, turnstile))
    await clock.drive(spoken(surface, turnstile, clock, 93, 0.1))
    *progress, last = surface.edits
    assert all(edit.left_before is None or edit.left_before > 1 for edit in progress)
    assert last.started == pytest.approx(9.3)
    assert surface.broken == []


async def test_what_is_in_a_hurry_waits_for_no_spread_but_for_its_turn(clock: FakeClock) -> None:
    room = MemoryRoom(clock, SIZE, WINDOW_S)
    turnstile = FairEditScheduler(room, clock)
    hurry, order = asyncio.Event(), []

    async def request(name: str, hurrying: asyncio.Event) -> None:
        async with turnstile.turn(hurrying):
            room.take()
            order.append((name, clock.monotonic()))

    with turnstile.taking_part(), turnstile.taking_part():
        tasks = [asyncio.create_task(request(name, asyncio.Event())) for name in "abc"]
        tasks.append(asyncio.create_task(request("last", hurry)))
        await clock.advance(1.5)
        hurry.set()
        await clock.advance(0.5)
        assert order == [("a", 0.0), ("b", 1.0), ("c", 2.0), ("last", 2.0)]
        await asyncio.gather(*tasks)


async def test_it_becomes_urgent_while_it_waits(clock: FakeClock) -> None:
    room = MemoryRoom(clock, SIZE, WINDOW_S)
    turnstile = FairEditScheduler(room, clock)
    hurry = asyncio.Event()
    async with turnstile.turn(hurry):
        room.take()

    async def second() -> float:
        async with turnstile.turn(hurry):
            return clock.monotonic()

    task = asyncio.create_task(second())
    await clock.advance(0.25)
    hurry.set()
    await settle()
    assert await task == 0.25
