"""Whether one sound is in another, and where: normalised cross-correlation, as an ear would have it at 8 kHz."""

import io
from array import array
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

RATE = 8_000
Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Where a sound is, and how much it is that one: 1.0 for the very same, 0.0 for something else."""

    at_s: float
    correlation: float
    seconds: float


def samples_of(mp3: bytes) -> Samples:
    """Decode an MP3."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(mp3), "r") as container:
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
    return _together([*frames, *resampler.resample(None)])


def resampled(pcm: "array[int]", rate: int = 48_000) -> Samples:
    """Bring what was heard, in one channel of 16 bits, to the same rate."""
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm))
    frame.sample_rate, frame.pts = rate, None
    frame.planes[0].update(pcm.tobytes())
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    return _together([*resampler.resample(frame), *resampler.resample(None)])


def find(part: Samples, sound: Samples) -> Found:
    """Find where in `sound` the whole of `part` is most likely to be."""
    assert 0 < len(part) <= len(sound), f"{len(part)} samples can't be in {len(sound)}"
    size = 1 << (len(sound) + len(part)).bit_length()
    products = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)
    products = products[: len(sound) - len(part) + 1]
    energy = np.concatenate(([0.0], np.cumsum(sound**2)))
    energies = energy[len(part) :] - energy[: len(energy) - len(part)]
    likeness = products / np.sqrt(np.maximum(energies * np.sum(part**2), 1.0))
    best = int(np.argmax(likeness))
    return Found(best / RATE, float(likeness[best]), len(part) / RATE)


def trimmed(sound: Samples) -> Samples:
    """Leave out silence at both ends."""
    loud = np.flatnonzero(np.abs(sound) > 200)
    return sound[loud[0] : loud[-1] + 1]


def _together(frames: list[av.AudioFrame]) -> Samples:
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float64)
