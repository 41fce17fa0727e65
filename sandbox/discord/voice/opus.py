"""Opus decoded to samples, and samples written as WAV."""

import sys
import wave
from array import array
from collections.abc import Iterable
from pathlib import Path

RATE = 48_000
PACKET_SAMPLES = 960
"""Samples in one packet of 20 ms."""


def decode_opus(packets: Iterable[bytes | None]) -> "array[int]":
    """Return Opus packets of 20 ms decoded to mono at 48 kHz; None and invalid packets become silence."""
    import av  # slow to import, and only needed for decoding

    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = RATE
    decoder.layout = "mono"
    decoder.thread_count = 1
    sound: array[int] = array("h")
    for packet in packets:
        samples = b""
        if packet is not None:
            try:
                samples = b"".join(
                    bytes(frame.planes[0])[: 2 * frame.samples] for frame in decoder.decode(av.Packet(packet))
                )
            except av.FFmpegError:
                samples = b""
        sound.frombytes(samples.ljust(2 * PACKET_SAMPLES, b"\x00"))
    return sound


def write_wav(path: Path, sound: "array[int]") -> None:
    """Write one channel of samples at 48 kHz."""
    if sys.byteorder == "big":
        sound = array("h", sound)
        sound.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
