"""MP3 bytes in, cut anywhere; PCM out: 48 kHz, stereo, 16 bits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

RATE: Final = 48_000
SAMPLE_BYTES: Final = 4  # 16 bits for the left, 16 for the right

ID3_HEAD: Final = 10

# https://id3.org/id3v2.4.0-structure, section 3: a footer of ten bytes may follow, and sizes have seven bits a byte.
_HAS_FOOTER: Final = 0x10
_SEVEN_BITS: Final = 0x7F

# http://gabriel.mp3-tech.org/mp3infotag.html: four optional fields, marked by flags; the encoder's name comes next.
_FIELD_BYTES: Final = {1: 4, 2: 4, 4: 100, 8: 4}
_PADDING_AT: Final = 21
_ENCODERS: Final = (b"LAME", b"Lavf", b"Lavc")
_DECODER_DELAY: Final = 529  # samples that every decoder is late by; the tag leaves them out


@dataclass(frozen=True, slots=True)
class Padding:
    """Samples at either end that are not in what was encoded."""

    before: int
    after: int


def id3_bytes(head: bytes) -> int:
    """Return the length in bytes of the ID3v2 tag that the ten bytes of `head` begin; 0 without one.

    Its pictures hold what looks like frames, so it is stepped over and not searched.
    """
    if not head.startswith(b"ID3") or any(size > _SEVEN_BITS for size in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return ID3_HEAD + size + (ID3_HEAD if head[5] & _HAS_FOOTER else 0)


def padding(frame: bytes) -> Padding | None:
    """Return the padding that a header frame (Xing, Info) describes; None for an ordinary frame."""
    at = max(frame[:64].find(b"Xing"), frame[:64].find(b"Info"))
    if at < 0 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    at += 8 + sum(size for flag, size in _FIELD_BYTES.items() if flags & flag)
    if frame[at : at + 4] not in _ENCODERS or len(frame) < at + _PADDING_AT + 3:
        return Padding(0, 0)
    both = int.from_bytes(frame[at + _PADDING_AT : at + _PADDING_AT + 3], "big")
    return Padding((both >> 12) + _DECODER_DELAY, max(0, (both & 0xFFF) - _DECODER_DELAY))


MIN_SPEED: Final = 0.5
MAX_SPEED: Final = 2.0


class Mp3Decoder:
    """Decodes one MP3. What is no sound is skipped, and so is a frame that was cut off.

    Everything here blocks and belongs into a thread. PyAV (37 ms, 17 MB) is imported when first needed.
    """

    def __init__(self, speed: float = 1.0) -> None:
        import av  # when first used

        # The floating-point decoder takes two thirds of the time of the integer one.
        codec = av.CodecContext.create("mp3float", "r")
        assert isinstance(codec, av.AudioCodecContext)
        codec.thread_count = 1
        self._codec = codec
        self._speed = speed
        self._head: bytes | None = b""  # the first bytes, while they may begin a tag
        self._tag_bytes_left = 0
        self._frame_seen = False
        self._first: AudioFrame | None = None
        self._resampler: _Resampler | None = None
        self._skip_bytes = 0
        self._hold_back_bytes = 0
        self._held_back = b""

    def feed(self, data: bytes) -> bytes:
        """Decode the file's next bytes, and return the PCM that is complete by now."""
        if self._head is not None:
            data = self._skip_tags(self._head + data)
        return self._parse(data) if data else b""

    def finish(self) -> bytes:
        """Return the rest of the PCM: there are no further bytes."""
        rest = self._parse(self._head) if self._head else b""
        rest += self._parse(b"")  # the parser holds the last frame back until it is flushed
        if self._resampler is not None:
            rest += self._trim(self._resampler.finish())
        return rest

    def _skip_tags(self, data: bytes) -> bytes:
        """Return `data` without the tags at the file's beginning; keep what is too short to decide."""
        while True:
            over = min(self._tag_bytes_left, len(data))
            self._tag_bytes_left -= over
            data = data[over:]
            if len(data) < ID3_HEAD:
                self._head = data
                return b""
            self._tag_bytes_left = id3_bytes(data)
            if not self._tag_bytes_left:
                self._head = None
                return data

    def _parse(self, data: bytes) -> bytes:
        frames = [frame for packet in self._codec.parse(data) for frame in self._decode(packet)]
        sound = [self._resample(frame) for frame in frames]
        if self._resampler is not None:
            sound.append(self._resampler.pull_all())
        return self._trim(b"".join(sound))

    def _decode(self, packet: "Packet[AudioStream]") -> "list[AudioFrame]":
        import av  # when first used

        if not self._frame_seen and (around := padding(bytes(packet))) is not None:
            self._frame_seen = True
            per_sample = RATE / self._codec.sample_rate / self._speed
            self._skip_bytes, self._hold_back_bytes = (
                round(each * per_sample) * SAMPLE_BYTES for each in (around.before, around.after)
            )
            return []
        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError:
            return []  # one damaged frame among good ones is a click, which a player would skip as well
        self._frame_seen = self._frame_seen or bool(frames)
        return frames

    def _resample(self, frame: "AudioFrame") -> bytes:
        """Push a frame into the resampler; return the rest of the last one where the file changes its format.

        A file made of several that were put end to end does.
        """
        if self._resampler is not None and self._resampler.matches(frame):
            self._first = None
            self._resampler.push(frame)
            return b""
        # Four bytes of anything may look like the head of a frame; two frames of one kind in a row are MP3.
        before, self._first = self._first, frame
        if before is None or _kind(before) != _kind(frame):
            return b""
        rest = self._resampler.finish() if self._resampler is not None else b""
        self._first = None
        self._resampler = _Resampler(frame, self._speed)
        self._resampler.push(before)
        self._resampler.push(frame)
        return rest

    def _trim(self, sound: bytes) -> bytes:
        """Return `sound` without the padding that the encoder put around it, so that clips follow without a gap."""
        if self._skip_bytes:
            over = min(self._skip_bytes, len(sound))
            self._skip_bytes -= over
            sound = sound[over:]
        if self._hold_back_bytes:
            sound = self._held_back + sound
            cut = max(0, len(sound) - self._hold_back_bytes)
            sound, self._held_back = sound[:cut], sound[cut:]
        return sound


class _Resampler:
    """Converts frames of one format to our rate, to stereo and to the wanted speed."""

    def __init__(self, frame: "AudioFrame", speed: float) -> None:
        from av.filter import Graph  # when first used

        self._kind = _kind(frame)
        self._graph = Graph()
        self._graph.threads = 1  # otherwise each graph starts as many as there are cores
        filters = [
            self._graph.add(
                "abuffer",
                sample_rate=str(frame.sample_rate),
                sample_fmt=frame.format.name,
                channel_layout=frame.layout.name,
                time_base=f"1/{frame.sample_rate}",
            )
        ]
        if speed != 1.0:
            filters.append(self._graph.add("atempo", f"{speed:.3f}"))
        filters.append(self._graph.add("aresample", str(RATE)))
        if len(frame.layout.channels) == 1:
            # Left to themselves the filters make stereo of mono 3 dB quieter.
            filters.append(self._graph.add("pan", "stereo|c0=c0|c1=c0"))
        filters.append(self._graph.add("aformat", sample_fmts="s16", channel_layouts="stereo", sample_rates=str(RATE)))
        filters.append(self._graph.add("abuffersink"))
        self._graph.link_nodes(*filters).configure()
        self._samples = 0

    def matches(self, frame: "AudioFrame") -> bool:
        """Return whether `frame` has the format that this one converts."""
        return _kind(frame) == self._kind

    def push(self, frame: "AudioFrame") -> None:
        """Convert the next frame."""
        frame.pts = self._samples
        self._samples += frame.samples
        self._graph.push(frame)

    def finish(self) -> bytes:
        """Return the rest, after the last frame."""
        self._graph.push(None)
        return self.pull_all()

    def pull_all(self) -> bytes:
        """Return what is converted by now."""
        import av  # when first used

        sound: list[bytes] = []
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return b"".join(sound)
            assert isinstance(frame, av.AudioFrame)
            sound.append(bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES])


def _kind(frame: "AudioFrame") -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name
