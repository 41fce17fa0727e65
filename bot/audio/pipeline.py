"""The worker's half of a talk: from the bytes of its clips to packets, a small step at a time."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bot.audio.constants import PACKET_BYTES, PACKET_SAMPLES, SAMPLE_BYTES
from bot.audio.decoder import Mp3Decoder
from bot.audio.encoder import LOOKAHEAD, OpusEncoder

if TYPE_CHECKING:
    from bot.audio.clip import Clip


class Part(NamedTuple):
    """Whose samples are in a packet, and whether they are the clip's last."""

    clip: "Clip"
    samples: int
    last: bool


@dataclass(slots=True)
class PendingSamples:
    """A clip's samples that wait to become packets."""

    clip: "Clip"
    samples: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a clip ended: what of it (and of short ones before) had not become a packet yet."""

    late: bytes
    sound: bytes
    spans: tuple[tuple["Clip", int, bool], ...]


@dataclass(slots=True)
class EncodePipeline:
    """Decoded sound on its way to packets, and the two codecs. Used by one thread at a time."""

    _sound: bytearray = field(default_factory=bytearray)
    _spans: list[PendingSamples] = field(default_factory=list)
    _late: bytes = b""  # sound that went into the encoder and is not out yet
    _encoder: OpusEncoder | None = None
    _decoder: Mp3Decoder | None = None
    _of: "Clip | None" = None
    _usual: tuple[Part, ...] = ()

    @property
    def has_frame(self) -> bool:
        """Whether there is sound for a whole packet."""
        return len(self._sound) >= PACKET_BYTES

    @property
    def has_rest(self) -> bool:
        """Whether something of an ended clip would be left if nothing followed."""
        return bool(self._sound or self._late)

    def holds(self, clip: "Clip") -> bool:
        """Whether sound of `clip` waits here."""
        return any(span.clip is clip for span in self._spans)

    def decode(self, clip: "Clip", piece: bytes | memoryview) -> int:
        """Decode a clip's next bytes, or what is left at its end when there are none; tells the samples."""
        if self._of is not clip or self._decoder is None:
            self._of, self._decoder = clip, Mp3Decoder(clip.speed)
        if piece:
            sound = self._decoder.feed(bytes(piece))
        else:
            sound = self._decoder.finish()
            self._of = self._decoder = None
        samples = len(sound) // SAMPLE_BYTES
        if samples:
            self._sound += sound
            if self._spans and self._spans[-1].clip is clip:
                self._spans[-1].samples += samples
            else:
                self._spans.append(PendingSamples(clip, samples))
        return samples

    def end(self, clip: "Clip") -> Checkpoint:
        """Mark the end of a clip that gave sound; gives what is needed to go on from here another time."""
        if not self.holds(clip):
            self._spans.append(PendingSamples(clip, 0))
        self._spans[-1].last = True
        spans = tuple((span.clip, span.samples, span.last) for span in self._spans)
        return Checkpoint(self._late, bytes(self._sound), spans)

    def encode(self) -> tuple[bytes, tuple[Part, ...]]:
        """Give the next packet, filled up with silence at an end. `shift` makes room for the one after it."""
        if self._encoder is None:
            self._encoder = OpusEncoder()
        frame = bytes(self._sound[:PACKET_BYTES]).ljust(PACKET_BYTES, b"\0")
        return self._encoder.encode(frame), self._parts()

    def shift(self) -> None:
        """Let go of what the last packet was made of."""
        self._late = bytes(self._sound[PACKET_BYTES - LOOKAHEAD * SAMPLE_BYTES : PACKET_BYTES])
        del self._sound[:PACKET_BYTES]
        left = PACKET_SAMPLES
        while self._spans and self._spans[0].last and self._spans[0].samples <= left:
            left -= self._spans.pop(0).samples
        if self._spans:
            self._spans[0].samples -= left

    def begin_anew(self, seam: Checkpoint | None = None) -> None:
        """Drop all that is here, but for what a seam has kept."""
        self._decoder = self._of = None
        self._sound = bytearray(seam.sound if seam else b"")
        self._spans = [PendingSamples(*span) for span in seam.spans] if seam else []
        self._late = seam.late if seam else b""
        self.go_on_anew()

    def go_on_anew(self) -> None:
        """Go on with a new encoder, where the packets so far have stopped."""
        self._encoder = None
        self._sound[:0] = self._late
        if self._spans:
            self._spans[0].samples += len(self._late) // SAMPLE_BYTES
        self._late = b""

    def _parts(self) -> tuple[Part, ...]:
        if self._spans and self._spans[0].samples > PACKET_SAMPLES:
            if not self._usual or self._usual[0].clip is not self._spans[0].clip:
                self._usual = (Part(self._spans[0].clip, PACKET_SAMPLES, last=False),)
            return self._usual
        parts, left = [], PACKET_SAMPLES
        for span in self._spans:
            samples = min(span.samples, left)
            parts.append(Part(span.clip, samples, span.last and samples == span.samples))
            left -= samples
            if not left:
                break
        return tuple(parts)
