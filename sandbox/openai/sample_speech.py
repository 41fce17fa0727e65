"""MP3 speech in place of a speech model's: by espeak-ng where its loader is installed, else a tone for every word."""

import array
import asyncio
import ctypes
import functools
import importlib.util
import io
import math
import random
import threading
from dataclasses import dataclass
from typing import Literal

RATE = 22_050
"""Samples per second: espeak-ng's rate, which MP3 supports."""
SAMPLE_BYTES = 2
BIT_RATE = 48_000

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_SPEED, _PITCH = 1, 3
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

_SCALE = (0, 2, 4, 7, 9, 12)  # semitones of a pentatonic scale: any sequence sounds fine

_one_at_a_time = threading.Lock()  # espeak-ng has global state


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """A voice: espeak-ng's name for it, words per minute, pitch 0–99 (default 50)."""

    espeak: str
    words_per_minute: int
    pitch: int


VOICES = {
    "alloy": VoiceProfile("en-us+f2", 165, 45),
    "echo": VoiceProfile("en-us+m3", 160, 40),
    "fable": VoiceProfile("en-gb+m1", 155, 55),
    "onyx": VoiceProfile("en-us+m7", 150, 15),
    "nova": VoiceProfile("en-us+f4", 175, 60),
    "shimmer": VoiceProfile("en-gb+f5", 160, 75),
}
"""The voices of the API, by name."""


class SpeechSynthesizer:
    """Synthesizes speech. `kind` is `speech` with espeak-ng, `tones` without."""

    def __init__(self, kind: Literal["speech", "tones"] | None = None) -> None:
        installed: Literal["speech", "tones"] = "speech" if importlib.util.find_spec("espeakng_loader") else "tones"
        self.kind: Literal["speech", "tones"] = kind or installed

    async def speak(self, text: str, voice: str) -> bytes:
        """Return `text` as an MP3 file, with a voice of `VOICES`. Runs in a thread."""
        return await asyncio.to_thread(self._speak, text, VOICES[voice])

    def _speak(self, text: str, voice: VoiceProfile) -> bytes:
        sound = _say(text, voice) if self.kind == "speech" else _hum(text, voice)
        return _mp3(sound)


def _say(text: str, voice: VoiceProfile) -> bytes:
    with _one_at_a_time:
        library = _espeak()
        sound = bytearray()

        def collect(samples: int | None, count: int, _events: int | None) -> int:
            if samples and count > 0:
                sound.extend(ctypes.string_at(samples, count * SAMPLE_BYTES))
            return 0

        callback = _CALLBACK(collect)  # held until the speaking is done
        library.espeak_SetSynthCallback(callback)
        library.espeak_SetVoiceByName(voice.espeak.encode())
        library.espeak_SetParameter(_SPEED, voice.words_per_minute, 0)
        library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        data = text.replace("\0", " ").encode() + b"\0"
        library.espeak_Synth(data, len(data), 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        return bytes(sound)


@functools.cache
def _espeak() -> ctypes.CDLL:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DO_NOT_EXIT)
    if rate != RATE:
        raise RuntimeError(f"espeak-ng started with a sample rate of {rate}")
    return library


def _hum(text: str, voice: VoiceProfile) -> bytes:
    """Return seeded tones, one for every word, longer for longer words."""
    choice = random.Random(f"{voice.espeak}/{text}")  # noqa: S311 - variety, not secrecy
    base = (voice.pitch - 50) // 5
    words = text.split() or [""]
    return b"".join(_note(base + choice.choice(_SCALE), 2 + min(len(word), 10) // 2) for word in words)


@functools.lru_cache(maxsize=256)
def _note(degree: int, twentieths: int) -> bytes:
    """Return a tone `degree` semitones above A3 with fades, then a short rest."""
    frequency, count = 220 * 2 ** (degree / 12), twentieths * RATE // 20
    edge, turn = RATE // 50, 2 * math.pi * frequency / RATE
    loudness = (min(1.0, i / edge, (count - i) / edge) * 9000 for i in range(count))
    samples = array.array("h", [int(level * math.sin(turn * i)) for i, level in enumerate(loudness)])
    return samples.tobytes() + bytes(RATE // 25 * SAMPLE_BYTES)


def _mp3(sound: bytes) -> bytes:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE)
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        stream.codec_context.open()
        samples = stream.codec_context.frame_size
        size = samples * SAMPLE_BYTES
        for start in range(0, max(len(sound), 1), size):
            frame = av.AudioFrame(format="s16p", layout="mono", samples=samples)
            frame.sample_rate = RATE
            frame.pts = start // SAMPLE_BYTES
            frame.planes[0].update(sound[start : start + size].ljust(size, b"\0"))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
