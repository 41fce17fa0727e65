"""The worker's half of an Opus stream: from the MP3 bytes of its clips to packets, a small step at a time."""

from dataclasses import dataclass, field
from typing import NamedTuple

from bot.audio.clip import Clip
from bot.audio.decoder import Mp3Decoder
from bot.audio.encoder import LOOKAHEAD, PACKET_BYTES, PACKET_SAMPLES, SAMPLE_BYTES, OpusEncoder


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
