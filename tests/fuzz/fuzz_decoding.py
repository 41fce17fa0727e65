"""Images and sound with bits turned, parts cut, repeated or moved, and absurd sizes, through a real worker."""

import asyncio
import atexit
import functools
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bot.workers.pool import Failure, JobFailed, Workers
from tests.support.make_picture import picture
from tests.support.make_sound import mp3, sound

MOST_WORKER_MIB = 500
NO_CRASH = (Failure.BROKEN, Failure.TOO_BIG, Failure.MEMORY)

_loop = asyncio.new_event_loop()
_workers = Workers(max_running=1)
atexit.register(lambda: _loop.run_until_complete(_workers.__aexit__(None, None, None)))


def try_one(random: Random) -> None:
    """Have one file read. It is taken or refused, in time and memory; the worker lives."""
    kind = random.choice(list(_SAMPLES))
    data = _mutated(random.choice(_samples(kind)), kind, random)
    job, options = random.choice(_JOBS["sound" if kind in _SOUNDS else "picture"])
    failure = _loop.run_until_complete(_failure(job, data, options))
    assert failure is None or failure in NO_CRASH, (job, kind, failure)
    if sys.platform == "linux":
        assert all(_peak_mib(pid) < MOST_WORKER_MIB for pid in _workers.pids), "a worker's memory grew past the bound"


async def _failure(job: str, data: bytes, options: dict[str, Any]) -> Failure | None:
    try:
        await _workers.run(job, [data], **options)
    except JobFailed as failed:
        return failed.failure
    return None


_JOBS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "picture": [
        ("prepare image", {}),
        ("validate image", {"max_pixels": 16_000_000}),
        ("compress image", {"limit": 2000, "timeout_s": 30}),
        ("decode text", {}),
    ],
    "sound": [
        ("measure mp3", {}),
        ("join mp3", {"limit": 3000, "timeout_s": 30}),
        ("convert to mp3", {"kind": "wav"}),
        ("convert to mp3", {"kind": "ogg"}),
        ("convert to mp3", {"kind": "flac"}),
    ],
}
_SAMPLES: dict[str, Callable[[], list[bytes]]] = {
    "png": lambda: [
        picture(60, 40, mode=mode, noise=mode in ("RGB", "RGBA", "L")) for mode in ("RGB", "RGBA", "L", "1")
    ],
    "jpeg": lambda: [picture(60, 40, kind="JPEG", noise=True, progressive=each) for each in (True, False)],
    "webp": lambda: [picture(60, 40, kind="WEBP", mode="RGBA", noise=True, lossless=each) for each in (True, False)],
    "gif": lambda: [picture(60, 40, kind="GIF", noise=True)],
    "mp3": lambda: [mp3(0.4), mp3(0.4, rate=44_100, channels=2, kbits=128)],
    "wav": lambda: [sound("wav", 0.3)],
    "ogg": lambda: [sound("ogg", 0.3)],
    "flac": lambda: [sound("flac", 0.3)],
}
_SOUNDS = ("mp3", "wav", "ogg", "flac")


@functools.cache
def _samples(kind: str) -> list[bytes]:
    return _SAMPLES[kind]()


def _mutated(data: bytes, kind: str, random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 2, 5))):
        data = random.choice((_flipped, _cut, _repeated, _moved, _overwritten, _absurd))(data, random)
    if kind == "png" and random.random() < 0.8:
        data = _with_right_sums(data)
    return data


def _flipped(data: bytes, random: Random) -> bytes:
    turned = bytearray(data)
    for _ in range(random.choice((1, 3, 20))):
        if turned:
            turned[random.randrange(len(turned))] ^= 1 << random.randrange(8)
    return bytes(turned)


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _repeated(data: bytes, random: Random) -> bytes:
    begin, end = _range(data, random)
    times = random.choice((2, 10, 1000))
    return data[:begin] + data[begin:end] * min(times, 1 + 1_000_000 // (end - begin + 1)) + data[end:]


def _moved(data: bytes, random: Random) -> bytes:
    begin, end = _range(data, random)
    rest = data[:begin] + data[end:]
    at = random.randrange(len(rest) + 1)
    return rest[:at] + data[begin:end] + rest[at:]


def _overwritten(data: bytes, random: Random) -> bytes:
    begin, end = _range(data, random)
    end = min(end, begin + 16)
    return data[:begin] + random.choice((random.randbytes(end - begin), b"\xff" * (end - begin))) + data[end:]


def _absurd(data: bytes, random: Random) -> bytes:
    """Put a large number among the first bytes, where formats keep sizes."""
    at = random.randrange(min(len(data), 48) + 1)
    number = random.choice((0, 1, 4000, 16_383, 65_535, 2**31 - 1, 2**32 - 1))
    return data[:at] + struct.pack(random.choice((">I", "<I")), number) + data[at + 4 :]


def _range(data: bytes, random: Random) -> tuple[int, int]:
    begin, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
    return begin, end


def _with_right_sums(data: bytes) -> bytes:
    """Make a PNG's checksums right, so that what is in its chunks is looked at."""
    mended, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunk = data[at + 4 : at + 8 + size]
        mended += data[at : at + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        at += 12 + size
    return bytes(mended)


def _peak_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
