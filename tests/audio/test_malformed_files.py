"""Files that are not the MP3s they should be: a sentence or a clean end, never a crash or a stuck stream."""

import json
import random

import pytest

from bot.audio.opus_stream import OpusStream
from bot.audio.pipeline import SILENCE
from bot.errors import InvalidApiResponse
from tests.audio.manual_worker_pool import ManualWorkerPool, append_clip, new_clip, read_packets
from tests.support.hear_opus import decoded, place
from tests.support.make_sound import mp3, mp3_of, tune

NOISE = random.Random(1).randbytes


def id3(size: int, body: bytes = b"", *, flags: int = 0) -> bytes:
    head = b"ID3\x04\x00" + bytes([flags]) + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return head + body.ljust(size, b"\0")


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff",
        json.dumps({"error": {"message": "no voice today"}}).encode(),
        b"Information: no voice today",
        b"<html>" * 1000,
        bytes(20_000),
        NOISE(50_000),
        "Überall nur Text, und kein Ton".encode("utf-16") * 500,
        id3(400),
        b"ID3\x04\x00",
        mp3(0.5)[:200],
    ],
    ids=[
        "nothing",
        "a byte",
        "JSON",
        "text",
        "HTML",
        "zeros",
        "noise",
        "UTF-16",
        "only a tag",
        "half a tag",
        "half a frame",
    ],
)
async def test_what_is_no_mp3_is_a_fault_and_the_next_clip_is_heard(file: bytes) -> None:
    pool = ManualWorkerPool()
    stream = OpusStream(pool)
    broken = append_clip(stream, file)
    append_clip(stream, mp3_of(tune(1, 0.5)))
    stream.close()
    packets = read_packets(pool, stream)
    await broken.ready()
    heard = await broken.done()
    assert (heard.seconds, heard.dropped, type(heard.fault)) == (0, False, InvalidApiResponse)
    assert SILENCE not in packets
    _, alike = place(decoded(packets), tune(1, 0.5), near=120, within=250)
    assert alike > 0.95


@pytest.mark.parametrize("kept", [2000, 3001, 4567])
async def test_a_truncated_file_is_heard_as_far_as_it_goes(kept: int) -> None:
    pool = ManualWorkerPool()
    stream = OpusStream(pool)
    clip = append_clip(stream, mp3_of(tune(2, 1))[:kept])
    stream.close()
    packets = read_packets(pool, stream)
    heard = await clip.done()
    assert heard.fault is None
    assert heard.seconds == pytest.approx(kept * 8 / 64_000, abs=0.12)
    _, alike = place(decoded(packets), tune(2, 1)[: round((heard.seconds - 0.05) * 24_000)], near=120, within=250)
    assert alike > 0.9


async def test_junk_between_frames_is_stepped_over() -> None:
    pool = ManualWorkerPool()
    stream = OpusStream(pool)
    sound = mp3(3)
    clip = append_clip(stream, sound[:9000] + b'{"error": "gateway timeout"}' * 40 + NOISE(3000) + sound[9000:])
    stream.close()
    read_packets(pool, stream)
    heard = await clip.done()
    assert heard.fault is None
    assert heard.seconds == pytest.approx(3, abs=0.25)


@pytest.mark.parametrize("cut", [1, 9, 4096])
async def test_tags_are_stepped_over_with_the_pictures_in_them(cut: int) -> None:
    pool = ManualWorkerPool()
    stream = OpusStream(pool)
    file = id3(30_000, mp3(0.5)) + id3(77, flags=0x10) + b"3DI" + bytes(7) + mp3_of(tune(3, 0.5)) + b"TAG" + bytes(125)
    clip = new_clip(stream)
    for at in range(0, len(file), cut):
        clip.feed(file[at : at + cut])
    clip.end()
    stream.close()
    packets = read_packets(pool, stream)
    _, alike = place(decoded(packets), tune(3, 0.5), near=120, within=250)
    assert alike > 0.95
    assert (await clip.done()).seconds == pytest.approx(0.5, abs=0.03)


async def test_files_put_end_to_end_are_one_clip_though_their_kinds_differ() -> None:
    pool = ManualWorkerPool()
    stream = OpusStream(pool)
    clip = append_clip(
        stream, mp3(0.5, rate=24_000) + mp3(0.5, rate=44_100, channels=2) + mp3(0.5, rate=16_000, kbits=24)
    )
    stream.close()
    read_packets(pool, stream)
    assert (await clip.done()).seconds == pytest.approx(1.5, abs=0.3)
