"""What is said: half a minute of speech, the way speech models send it."""

import asyncio
import io
from fractions import Fraction

import av

from sandbox.openai.sample_speech import SpeechSynthesizer

SECONDS = 30
RATE = 24_000
BYTES_PER_S = 8_000  # 64 kbit/s

_TEXT = (
    "Good evening, and welcome. Tonight we speak about the weather, which was better than anybody had expected; about "
    "music, of which there is never enough; and about the price of bread. "
)


def clip() -> bytes:
    """Make the MP3: 24 kHz, mono, 64 kbit/s. Speech where espeak-ng is installed, else a melody."""
    spoken = asyncio.run(SpeechSynthesizer().speak(_TEXT * 6, "nova"))
    resampler = av.AudioResampler(format="s16p", layout="mono", rate=RATE)
    written, samples = io.BytesIO(), 0
    with av.open(io.BytesIO(spoken), "r") as source, av.open(written, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=RATE, layout="mono", bit_rate=BYTES_PER_S * 8)
        for decoded in source.decode(audio=0):
            for frame in resampler.resample(decoded):
                if samples < SECONDS * RATE:
                    frame.pts, frame.time_base = samples, Fraction(1, RATE)
                    samples += frame.samples
                    out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return written.getvalue()
