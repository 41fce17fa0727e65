"""PCM in frames of 20 ms to Opus packets."""

from typing import Final

SILENCE: Final = b"\xf8\xff\xfe"
"""The packet that Discord takes for silence. Encryption leaves it as it is."""

RATE: Final = 48_000
PACKET_SAMPLES: Final = 960
SAMPLE_BYTES: Final = 4  # 16 bits for the left, 16 for the right
PACKET_BYTES: Final = PACKET_SAMPLES * SAMPLE_BYTES


LOOKAHEAD: Final = 120
"""Samples of delay: the end of a packet is that much older than the last sample that went in."""

# `lowdelay` is Opus without its speech coder. At 64 kbit/s and more that is as good for speech, at less than half of
# the time; it never changes the mode, which clips cut short would stumble over; and silence packets are of its kind.
# 96 kbit/s is what a voice channel takes at most unless its server is boosted. Above complexity 4 little but the time
# grows, below it the packets depend on each other after all.
_BIT_RATE: Final = 96_000
_OPTIONS: Final = {
    "application": "lowdelay",
    "frame_duration": "20",
    "vbr": "constrained",
    "compression_level": "4",
    # Otherwise a packet tells how loud it is by the difference to the one before, and a decoder that has something
    # else behind it (silence, a clip that was cut short, nothing yet) is up to 30 dB off for half a dozen packets.
    "packet_loss": "50",
}


class OpusEncoder:
    """One run of packets; a new encoder keeps nothing of an older run.

    Everything here blocks and belongs into a thread. PyAV is imported when first needed.
    """

    def __init__(self) -> None:
        import av  # when first used

        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.layout, codec.format = RATE, "stereo", "s16"
        codec.bit_rate, codec.thread_count, codec.options = _BIT_RATE, 1, dict(_OPTIONS)
        codec.open()
        self._frame = av.AudioFrame(format="s16", layout="stereo", samples=PACKET_SAMPLES)
        self._frame.sample_rate = RATE
        self._plane = self._frame.planes[0]
        # PyAV's `encode` sends a frame through filters that cut it to size, and those start as many threads as there
        # are cores. Ours have the size already.
        self._encode = getattr(codec, "_send_frame_and_recv", codec.encode)

    def encode(self, frame: bytes) -> bytes:
        """Return the packet for 20 ms of PCM."""
        self._plane.update(frame)
        (packet,) = self._encode(self._frame)
        return bytes(packet)
