"""Real MP3s for tests: a tone of a given length and kind, or any wave."""

import array
import io
import math
import random
from collections.abc import Sequence
from fractions import Fraction

import av


def mp3(seconds: float, *, rate: int = 24_000, channels: int = 1, kbits: int = 64) -> bytes:
    """Encode a tone as MP3."""
    wave = array.array("h", (round(8000 * math.sin(at * 0.11)) for at in range(round(seconds * rate))))
    return mp3_of(wave, rate=rate, channels=channels, kbits=kbits)


def mp3_of(
    wave: Sequence[int],
    *,
    rate: int = 24_000,
    channels: int = 1,
    kbits: int = 64,
    options: dict[str, str] | None = None,
) -> bytes:
    """Encode a wave as MP3, the same for all channels."""
    written = io.BytesIO()
    layout = "mono" if channels == 1 else "stereo"
    both = array.array("h", (value for value in wave for _ in range(channels)))
    with av.open(written, "w", format="mp3", options=options or {}) as out:
        stream = out.add_stream("libmp3lame", rate=rate, layout=layout, bit_rate=kbits * 1000)
        frame = av.AudioFrame(format="s16", layout=layout, samples=len(wave))
        frame.planes[0].update(both.tobytes())
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return written.getvalue()


def sound(kind: str, seconds: float, *, rate: int = 24_000) -> bytes:
    """Encode a tone as `wav`, `ogg` (Opus) or `flac`."""
    codec = {"wav": "pcm_s16le", "ogg": "libopus", "flac": "flac"}[kind]
    wave = array.array("h", (round(8000 * math.sin(at * 0.11)) for at in range(round(seconds * rate))))
    written = io.BytesIO()
    with av.open(written, "w", format=kind) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        if wave:
            frame = av.AudioFrame(format="s16", layout="mono", samples=len(wave))
            frame.planes[0].update(wave.tobytes())
            frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return written.getvalue()


def tune(seed: int, seconds: float, *, rate: int = 24_000) -> list[int]:
    """A loud melody unlike that of any other seed, from the first sample to the last, for finding it again."""
    choice = random.Random(seed)
    wave: list[int] = []
    phase = turn = 0.0
    for at in range(round(seconds * rate)):
        if at % (rate // 25) == 0:
            turn = 2 * math.pi * choice.uniform(200, 1500) / rate
        phase += turn
        wave.append(round(10_000 * math.sin(phase)))
    return wave


_TAG = b"ID3\3\0\0\0\0\0\x40" + 64 * b"\0"
_FRAMES = mp3(0.5, rate=44_100, kbits=128)
SOUNDLESS = {
    "a tag only": _TAG,
    "a frame about the file only": _FRAMES[_FRAMES.index(b"\xff\xfb") :][:417],
    "a tag and a page": _TAG + b"<!doctype html><title>502</title>" * 40,
    "a head and a text": b"\xff\xfb\x90\x64" + b"not sound at all " * 200,
    "heads of frames": b"\xff\xfb\x90\x64" * 300,
}
"""Bodies that begin as MP3s do, and have no sound in them."""
