"""The processes that read bytes of others: what they do, and how they are ended."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from bot.workers import framing
from bot.workers import pool as workers_module
from bot.workers.framing import MAX_FRAME_BYTES, MAX_HEAD_BYTES, InvalidFrame
from bot.workers.pool import PROGRAM, Failure, JobFailed, Workers
from tests.support.make_picture import picture
from tests.support.make_sound import mp3

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")

DEADLINE_S = 30
SMALL = picture(20, 10)


async def failure_of(workers: Workers, job: str, *parts: bytes, timeout_s: float = 10) -> Failure:
    with pytest.raises(JobFailed) as failed:
        await workers.run(job, parts, timeout_s=timeout_s)
    return failed.value.failure


async def until_busy(workers: Workers) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not (workers.pids and workers._busy):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def peak_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


async def test_one_process_does_job_after_job_and_ends_with_the_block() -> None:
    async with Workers() as workers:
        for _ in range(3):
            assert (await workers.run("prepare image", [SMALL])).facts["width"] == 20
        assert (await workers.run("measure mp3", [mp3(1)])).facts["seconds"] == pytest.approx(1, abs=0.1)
        (pid,) = workers.pids
    assert not is_alive(pid)


async def test_one_that_nobody_needs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "IDLE_S", 0.0)
    async with Workers() as workers, asyncio.timeout(DEADLINE_S):
        await workers.run("prepare image", [SMALL])
        while workers.pids:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
        await workers.run("prepare image", [SMALL])


async def test_bytes_that_are_no_good_are_a_failure_and_cost_no_process() -> None:
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        before = workers.pids
        assert await failure_of(workers, "prepare image", b"no picture") is Failure.BROKEN
        assert await failure_of(workers, "measure mp3", b"no sound") is Failure.BROKEN
        assert workers.pids == before


async def test_one_that_hangs_is_killed_when_its_time_is_up() -> None:
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        (pid,) = workers.pids
        os.kill(pid, signal.SIGSTOP)
        assert await failure_of(workers, "prepare image", SMALL, timeout_s=0.2) is Failure.TOO_SLOW
        assert (await workers.run("prepare image", [SMALL])).facts["width"] == 20
        assert pid not in workers.pids


async def test_one_that_dies_is_a_failure_and_the_next_job_has_another() -> None:
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        (pid,) = workers.pids
        os.kill(pid, signal.SIGKILL)
        assert await failure_of(workers, "prepare image", SMALL) is Failure.DIED
        await workers.run("prepare image", [SMALL])


async def test_a_job_that_is_cancelled_ends_max_running() -> None:
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        (pid,) = workers.pids
        os.kill(pid, signal.SIGSTOP)
        job = asyncio.create_task(workers.run("prepare image", [SMALL]))
        await until_busy(workers)
        job.cancel()
        await asyncio.wait({job})
        assert job.cancelled()
        assert workers.pids == []
    assert not is_alive(pid)


async def test_leaving_ends_what_hangs() -> None:
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        (pid,) = workers.pids
        os.kill(pid, signal.SIGSTOP)
        job = asyncio.create_task(workers.run("prepare image", [SMALL]))
        await until_busy(workers)
    assert not is_alive(pid)
    with pytest.raises(JobFailed):
        await job


async def test_nothing_is_begun_after_the_end() -> None:
    async with Workers() as workers:
        pass
    assert await failure_of(workers, "prepare image", SMALL) is Failure.DIED
    assert workers.pids == []


async def test_a_member_with_many_jobs_leaves_a_process_to_the_others() -> None:
    async with Workers() as workers:
        stopped = asyncio.create_task(workers.run("prepare image", [picture(1200, 1200, noise=True)], owner=1))
        also = asyncio.create_task(workers.run("prepare image", [SMALL], owner=1))
        await until_busy(workers)
        os.kill(workers.pids[0], signal.SIGSTOP)
        await workers.run("prepare image", [SMALL], owner=2)
        assert not also.done()
        for job in (stopped, also):
            job.cancel()
        await asyncio.wait({stopped, also})


async def test_more_than_may_be_sent_is_refused_unsent() -> None:
    async with Workers() as workers:
        assert await failure_of(workers, "join mp3", bytes(MAX_FRAME_BYTES), b"x") is Failure.TOO_BIG
        assert workers.pids == []


@linux_only
async def test_memory_is_bounded_whatever_is_asked_of_it(tmp_path: Path) -> None:
    async with Workers() as workers:
        # Two colours at two gigapixels, had it been let in: the check of pixels is left out by the options.
        with pytest.raises(JobFailed):
            await workers.run("validate image", [picture(16_000, 16_000, mode="1", kind="PNG")], max_pixels=10**10)
        for pid in workers.pids:
            assert peak_mib(pid) < 500


@linux_only
async def test_a_small_file_of_many_pixels_takes_no_memory() -> None:
    bomb = picture(7071, 7071, kind="WEBP", mode="RGBA", lossless=True)
    assert len(bomb) < 4096
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        assert await failure_of(workers, "prepare image", bomb) is Failure.BROKEN
        (pid,) = workers.pids
        assert peak_mib(pid) < 100


def test_it_finds_no_secret_and_loads_nothing_of_discord() -> None:
    script = (
        "import sys, bot.worker, bot.api.image_validation, bot.conversation.image_inputs, bot.conversation.text_files; "
        "import bot.images.compression, bot.speech.mp3; "
        "sys.exit(bool({'discord', 'aiohttp', 'asyncio', 'pydantic', 'av', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@linux_only
async def test_its_environment_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "token-that-nobody-may-see")
    async with Workers() as workers:
        await workers.run("prepare image", [SMALL])
        (pid,) = workers.pids
        assert b"token-that-nobody-may-see" not in environment_of(pid)


def test_it_ends_with_its_standard_input() -> None:
    process = subprocess.Popen([sys.executable, "-m", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.communicate(b"")
    assert process.returncode == 0


@linux_only
def test_it_ends_in_the_middle_of_a_job_when_the_bot_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-m", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    data = picture(2000, 2000, noise=True)
    process.stdin.write(framing.encode_head({"job": "prepare image", "options": {}, "timeout_s": 10}, [data]) + data)
    process.stdin.close()
    process.stdout.close()
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b"{}",
        b'{"sizes": 1}',
        b'{"sizes": [-1]}',
        b'{"sizes": [true]}',
        b'{"sizes": ["1"]}',
        b'{"sizes": [99999999999]}',
        b'{"sizes": ' + b"[" * 60_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidFrame):
        framing.decode_head(body)


def test_a_head_over_the_bound_is_refused_unread() -> None:
    with pytest.raises(InvalidFrame):
        framing.decode_head_length(struct.pack(">I", MAX_HEAD_BYTES + 1))
    with pytest.raises(InvalidFrame):
        framing.encode_head({"options": "x" * MAX_HEAD_BYTES}, [])


def test_a_frame_is_read_as_it_was_written() -> None:
    packed = framing.encode_head({"job": "measure mp3"}, [b"ab", b""])
    size = framing.decode_head_length(packed[: framing.PREFIX.size])
    assert framing.decode_head(packed[framing.PREFIX.size :]) == ({"job": "measure mp3"}, [2, 0])
    assert size == len(packed) - framing.PREFIX.size


LARGE = picture(2001, 2001)


async def test_of_large_pictures_one_is_decoded_at_a_time_and_a_small_one_beside_it() -> None:
    async with Workers() as workers, workers._large_images.slot("somebody"):
        waiting = asyncio.create_task(workers.run_image_job("prepare image", LARGE, owner=1))
        shown = await workers.run_image_job("prepare image", SMALL, owner=2)
        assert (shown.facts["width"], shown.facts["height"]) == (20, 10)
        async with asyncio.timeout(DEADLINE_S):
            while not workers._large_images.waiting:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_large_pictures_are_all_decoded_in_the_end() -> None:
    async with Workers() as workers:
        shown = await asyncio.gather(*(workers.run_image_job("prepare image", LARGE, owner=each) for each in range(3)))
    assert [each.facts["width"] for each in shown] == [1536] * 3


async def test_a_picture_that_is_too_large_for_anybody_is_refused_without_waiting() -> None:
    async with Workers() as workers, workers._large_images.slot("somebody"):
        with pytest.raises(JobFailed) as failed:
            await workers.run_image_job("prepare image", picture(5000, 5000))
    assert failed.value.failure is Failure.BROKEN
