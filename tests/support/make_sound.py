"""Real MP3s for tests: a tone of a given length and kind."""

import array
import io
import math
from fractions import Fraction

import av


def mp3(seconds: float, *, rate: int = 24_000, channels: int = 1, kbits: int = 64) -> bytes:
    """Encode a tone as MP3."""
    written = io.BytesIO()
    layout = "mono" if channels == 1 else "stereo"
    samples = round(seconds * rate)
    wave = array.array("h", (round(8000 * math.sin(at * 0.11)) for at in range(samples) for _ in range(channels)))
    with av.open(written, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=rate, layout=layout, bit_rate=kbits * 1000)
        frame = av.AudioFrame(format="s16", layout=layout, samples=samples)
        frame.planes[0].update(wave.tobytes())
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return written.getvalue()
