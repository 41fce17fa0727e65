"""The pool's threads: what waits on the event loop is woken, and nothing stays behind."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from bot.audio.opus_stream import OpusStream
from bot.audio.pipeline import SILENCE
from bot.audio.worker_pool import WorkerPool
from tests.audio.manual_worker_pool import append_clip, new_clip
from tests.support.make_sound import mp3

CHECKOUT = Path(__file__).parents[2]


def native_threads() -> set[int]:
    """Return the ids of all threads, those of libraries too, where the system lists them."""
    tasks = Path("/proc/self/task")
    return {int(task.name) for task in tasks.iterdir()} if tasks.exists() else set()


async def test_what_waits_is_woken_and_no_thread_stays() -> None:
    before, native_before = threading.enumerate(), native_threads()
    with WorkerPool() as pool:
        assert threading.enumerate() == before, "a bot that never speaks has no threads for it"
        streams = [OpusStream(pool) for _ in range(8)]
        clips = [append_clip(stream, mp3(1), speed=1.25) for stream in streams]
        await asyncio.gather(*(clip.ready() for clip in clips))
        threads = [thread for thread in threading.enumerate() if thread not in before]
        assert len(threads) == os.cpu_count()
        assert native_threads() - native_before <= {thread.native_id for thread in threads}, "codecs start none"
        for stream in streams:
            stream.close()
            list(iter(stream.read, b""))
        heard = await asyncio.gather(*(clip.done() for clip in clips))
    assert {(each.seconds > 0.7, each.fault) for each in heard} == {(True, None)}
    assert threading.enumerate() == before


async def test_closing_ends_running_work_and_wakes_what_waits() -> None:
    before = threading.active_count()
    pool = WorkerPool()
    stream = OpusStream(pool)
    clip = append_clip(stream, mp3(1))
    waits = asyncio.create_task(new_clip(stream).ready())
    await clip.ready()
    pool.close()
    pool.close()
    await waits
    assert (await clip.done()).dropped
    assert stream.read() == b""
    assert threading.active_count() == before
    with pytest.raises(RuntimeError):
        OpusStream(pool)


async def test_a_wait_that_is_cancelled_leaves_the_clip_alone() -> None:
    with WorkerPool() as pool:
        clip = new_clip(OpusStream(pool))
        waits = asyncio.create_task(clip.ready())
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        clip.feed(mp3(1))
        await clip.ready()


def test_a_loop_that_was_closed_in_the_meantime_is_no_trouble() -> None:
    with WorkerPool() as pool:
        stream = OpusStream(pool)
        clip = new_clip(stream)
        loop = asyncio.new_event_loop()
        waits = loop.create_task(clip.done())
        loop.run_until_complete(asyncio.sleep(0))
        loop.stop()
        # The task stays pending on purpose: that is how a loop ends that was not tidied up.
        waits._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()
        stream.abandon()
        assert asyncio.run(clip.done()).dropped


async def test_a_stream_without_references_is_freed() -> None:
    with WorkerPool() as pool:
        stream = OpusStream(pool)
        await append_clip(stream, mp3(1)).ready()
        gone = weakref.ref(stream)
        del stream
        end = OpusStream(pool)
        await append_clip(end, mp3(1)).ready()  # by then no thread is at work on the first
        gc.collect()
        assert gone() is None


async def test_packets_read_from_another_thread_while_it_is_fed_and_dropped() -> None:
    with WorkerPool() as pool:
        stream = OpusStream(pool)
        packets: list[bytes] = []
        reader = threading.Thread(target=lambda: packets.extend(iter(stream.read, b"")))
        clips = [new_clip(stream) for _ in range(12)]
        reader.start()
        sound = mp3(2)
        for number, clip in enumerate(clips):
            for at in range(0, len(sound), 1500):
                clip.feed(sound[at : at + 1500])
                await asyncio.sleep(0)
            clip.end()
            if number % 3 == 2:
                clip.drop()
        stream.close()
        heard = await asyncio.gather(*(clip.done() for clip in clips))
        await asyncio.to_thread(reader.join)
    assert [each.dropped for each in heard] == [False, False, True] * 4
    whole = [each.seconds for each in heard if not each.dropped]
    assert whole == pytest.approx([2.0] * 8, abs=0.03)
    assert len([packet for packet in packets if packet != SILENCE]) * 0.02 >= sum(whole) - 0.02


def test_without_pyav_a_clip_is_a_fault_and_the_threads_go_on() -> None:
    code = """
import asyncio, sys
sys.modules["av"] = None  # as if it were not installed
from bot.audio.clip import Clip
from bot.audio.worker_pool import WorkerPool
from bot.audio.opus_stream import OpusStream
async def main():
    with WorkerPool(1) as pool:
        for _ in range(2):
            clip = Clip()
            OpusStream(pool).append(clip)
            clip.feed(b"ID3")
            heard = await clip.done()
            print(type(heard.fault).__name__, heard.dropped, heard.seconds)
asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n") == ["BotError False 0.0", "BotError False 0.0", ""]
    assert "audio stream failed" in ran.stderr
