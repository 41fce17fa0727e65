"""The worker's half of an Opus stream: from the MP3 bytes of its clips to packets, a small step at a time."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bot.audio.clip import PACKET_SAMPLES, Clip
from bot.audio.decoder import RATE, SAMPLE_BYTES, Mp3Decoder

SILENCE: Final = b"\xf8\xff\xfe"
"""The packet that Discord takes for silence. Encryption leaves it as it is."""

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
    """PCM in frames of 20 ms to one run of packets; a new encoder keeps nothing of an older run.

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


class Part(NamedTuple):
    """A clip's samples in one packet, and whether they are its last."""

    clip: Clip
    samples: int
    last: bool


@dataclass(slots=True)
class PendingSamples:
    """A clip's decoded samples that are not encoded yet."""

    clip: Clip
    samples: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state at a clip's end: what of it (and of short clips before) had not become a packet yet."""

    in_encoder: bytes
    samples_bytes: bytes
    pending: tuple[tuple[Clip, int, bool], ...]


@dataclass(slots=True)
class EncodePipeline:
    """Decoded samples on their way to packets, and the two codecs. Used by one thread at a time."""

    _samples: bytearray = field(default_factory=bytearray)
    _pending: list[PendingSamples] = field(default_factory=list)
    _in_encoder: bytes = b""  # samples that went into the encoder and are not out yet
    _encoder: OpusEncoder | None = None
    _decoder: Mp3Decoder | None = None
    _decoding: Clip | None = None
    _full_part: tuple[Part, ...] = ()

    @property
    def has_frame(self) -> bool:
        """Return whether there are samples for a whole packet."""
        return len(self._samples) >= PACKET_BYTES

    @property
    def has_remainder(self) -> bool:
        """Return whether something of an ended clip would be left if nothing followed."""
        return bool(self._samples or self._in_encoder)

    def holds(self, clip: Clip) -> bool:
        """Return whether samples of `clip` wait here."""
        return any(run.clip is clip for run in self._pending)

    def decode(self, clip: Clip, next_piece: bytes | memoryview) -> int:
        """Decode a clip's next bytes, or finish it where `next_piece` is empty; return how many samples came."""
        if self._decoding is not clip or self._decoder is None:
            self._decoding, self._decoder = clip, Mp3Decoder(clip.speed)
        if next_piece:
            samples_bytes = self._decoder.feed(bytes(next_piece))
        else:
            samples_bytes = self._decoder.finish()
            self._decoding = self._decoder = None
        samples = len(samples_bytes) // SAMPLE_BYTES
        if samples:
            self._samples += samples_bytes
            if self._pending and self._pending[-1].clip is clip:
                self._pending[-1].samples += samples
            else:
                self._pending.append(PendingSamples(clip, samples))
        return samples

    def end(self, clip: Clip) -> Checkpoint:
        """Mark the end of a clip that gave samples, and return the state to continue from here another time."""
        if not self.holds(clip):
            self._pending.append(PendingSamples(clip, 0))
        self._pending[-1].last = True
        pending = tuple((run.clip, run.samples, run.last) for run in self._pending)
        return Checkpoint(self._in_encoder, bytes(self._samples), pending)

    def encode(self) -> tuple[bytes, tuple[Part, ...]]:
        """Encode the next 20 ms frame, zero-padded at the end of a clip. Call `consume_frame` once it is queued."""
        if self._encoder is None:
            self._encoder = OpusEncoder()
        frame = bytes(self._samples[:PACKET_BYTES]).ljust(PACKET_BYTES, b"\0")
        return self._encoder.encode(frame), self._parts()

    def consume_frame(self) -> None:
        """Remove the samples of the packet encoded last."""
        self._in_encoder = bytes(self._samples[PACKET_BYTES - LOOKAHEAD * SAMPLE_BYTES : PACKET_BYTES])
        del self._samples[:PACKET_BYTES]
        left = PACKET_SAMPLES
        while self._pending and self._pending[0].last and self._pending[0].samples <= left:
            left -= self._pending.pop(0).samples
        if self._pending:
            self._pending[0].samples -= left

    def reset(self, checkpoint: Checkpoint | None = None) -> None:
        """Drop all samples, or go back to `checkpoint`."""
        self._decoder = self._decoding = None
        self._samples = bytearray(checkpoint.samples_bytes if checkpoint else b"")
        self._pending = [PendingSamples(*run) for run in checkpoint.pending] if checkpoint else []
        self._in_encoder = checkpoint.in_encoder if checkpoint else b""
        self.restart_encoder()

    def restart_encoder(self) -> None:
        """Continue with a new encoder from the first sample that is in no packet."""
        self._encoder = None
        self._samples[:0] = self._in_encoder
        if self._pending:
            self._pending[0].samples += len(self._in_encoder) // SAMPLE_BYTES
        self._in_encoder = b""

    def _parts(self) -> tuple[Part, ...]:
        if self._pending and self._pending[0].samples > PACKET_SAMPLES:
            if not self._full_part or self._full_part[0].clip is not self._pending[0].clip:
                self._full_part = (Part(self._pending[0].clip, PACKET_SAMPLES, last=False),)
            return self._full_part
        parts, left = [], PACKET_SAMPLES
        for run in self._pending:
            samples = min(run.samples, left)
            parts.append(Part(run.clip, samples, run.last and samples == run.samples))
            left -= samples
            if not left:
                break
        return tuple(parts)
