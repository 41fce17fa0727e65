"""Listening to Opus packets, and telling where in them a wave is."""

import array
import math
from collections.abc import Iterable, Sequence

import av

RATE = 48_000


def decoded(packets: Iterable[bytes]) -> list[int]:
    """Decode a run of packets as a listener's client does; gives the left channel."""
    codec = av.CodecContext.create("libopus", "r")
    codec.sample_rate, codec.layout, codec.thread_count = RATE, "stereo", 1
    sound = bytearray()
    for packet in packets:
        for frame in codec.decode(av.Packet(packet)):
            assert (frame.format.name, frame.samples) == ("s16", RATE // 50)
            sound += bytes(frame.planes[0])[: frame.samples * 4]
    return list(array.array("h", bytes(sound))[::2])


def likeness(heard: Sequence[int], wave: Sequence[int], at: int, *, step: int = 1) -> float:
    """Correlate `wave` (24 kHz) with what was heard (48 kHz) from sample `at` on; 1.0 is the same up to loudness."""
    wave = wave[::step]
    part = heard[at : at + 2 * step * len(wave) : 2 * step]
    both = sum(a * b for a, b in zip(part, wave, strict=False))
    power = math.sqrt(sum(a * a for a in part) * sum(b * b for b in wave))
    return both / power if power else 0.0


def place(heard: Sequence[int], wave: Sequence[int], *, near: int, within: int = 720) -> tuple[int, float]:
    """Find where `wave` is in what was heard, looking around sample `near`; gives the place and the likeness there."""
    starts = range(max(0, near - within), near + within)
    best = max(starts, key=lambda at: likeness(heard, wave[:2400], at, step=5))
    return best, likeness(heard, wave, best)


def loudness(sound: Sequence[int]) -> float:
    """Root of the mean square."""
    return math.sqrt(sum(value * value for value in sound) / len(sound)) if sound else 0.0
