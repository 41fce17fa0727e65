"""Answers that share a bucket: each gets its share of it, and none asks for more than there is."""

import asyncio
import itertools

import pytest

from bot.discord_ui.rate_limit_buckets import FairEditScheduler
from bot.streaming.message_streamer import MessageStreamer
from tests.support.clock import FakeClock, settle
from tests.support.markdown_oracle import shows_whole
from tests.support.memory_output import MemoryBucket, MemoryOutput

WINDOW_S = 5.0
SIZE = 5


async def spoken(
    output: MemoryOutput, scheduler: FairEditScheduler, clock: FakeClock, words: int, every: float
) -> None:
    with scheduler.share():
        async with MessageStreamer(output, clock) as streamer:
            for _ in range(words):
                streamer.feed("word ")
                await clock.sleep(every)


@pytest.mark.parametrize("latency", [0.0, 0.15, 0.6])
@pytest.mark.parametrize("answers", [2, 5, 8])
async def test_nobody_waits_much_longer_than_a_fair_share(clock: FakeClock, answers: int, latency: float) -> None:
    bucket = MemoryBucket(clock, SIZE, WINDOW_S)
    scheduler = FairEditScheduler(bucket, clock)
    outputs = [MemoryOutput(clock, shared=(bucket, scheduler), latencies=[latency]) for _ in range(answers)]
    await clock.drive(
        asyncio.gather(*(spoken(output, scheduler, clock, 600, 0.1 + n / 1000) for n, output in enumerate(outputs)))
    )
    share = max(answers * WINDOW_S / SIZE, answers * latency)
    assert [output.broken for output in outputs] == [[]] * answers
    assert max(max(output.waited) for output in outputs) <= 1.3 * share
    # Nor are two edits of one answer further apart, beyond what the pacer leaves to a slow Discord.
    starts = [[edit.started for edit in output.edits] for output in outputs]
    apart = [later - earlier for each in starts for earlier, later in itertools.pairwise(each)]
    assert max(apart) <= 1.3 * share + 2 * latency
    counts = [len(each) for each in starts]
    assert max(counts) - min(counts) <= 2
    assert all(shows_whole(output.messages, "word " * 600) for output in outputs)


async def test_one_that_is_alone_leaves_a_request_for_its_last_edit(clock: FakeClock) -> None:
    bucket = MemoryBucket(clock, SIZE, WINDOW_S)
    scheduler = FairEditScheduler(bucket, clock)
    output = MemoryOutput(clock, shared=(bucket, scheduler))
    await clock.drive(spoken(output, scheduler, clock, 93, 0.1))
    *progress, last = output.edits
    assert all(edit.left_before is None or edit.left_before > 1 for edit in progress)
    assert last.started == pytest.approx(9.3)
    assert output.broken == []


async def test_what_is_in_a_hurry_waits_for_no_spread_but_for_its_turn(clock: FakeClock) -> None:
    bucket = MemoryBucket(clock, SIZE, WINDOW_S)
    scheduler = FairEditScheduler(bucket, clock)
    urgent, order = asyncio.Event(), []

    async def request(name: str, is_urgent: asyncio.Event) -> None:
        async with scheduler.edit_slot(is_urgent):
            bucket.take()
            order.append((name, clock.monotonic()))

    with scheduler.share(), scheduler.share():
        tasks = [asyncio.create_task(request(name, asyncio.Event())) for name in "abc"]
        tasks.append(asyncio.create_task(request("last", urgent)))
        await clock.advance(1.5)
        urgent.set()
        await clock.advance(0.5)
        assert order == [("a", 0.0), ("b", 1.0), ("c", 2.0), ("last", 2.0)]
        await asyncio.gather(*tasks)


async def test_it_becomes_urgent_while_it_waits(clock: FakeClock) -> None:
    bucket = MemoryBucket(clock, SIZE, WINDOW_S)
    scheduler = FairEditScheduler(bucket, clock)
    urgent = asyncio.Event()
    async with scheduler.edit_slot(urgent):
        bucket.take()

    async def second() -> float:
        async with scheduler.edit_slot(urgent):
            return clock.monotonic()

    task = asyncio.create_task(second())
    await clock.advance(0.25)
    urgent.set()
    await settle()
    assert await task == 0.25
