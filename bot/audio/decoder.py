"""MP3 bytes in, cut anywhere; PCM out: 48 kHz, stereo, 16 bits."""

from typing import TYPE_CHECKING, Final

from bot.audio.constants import RATE, SAMPLE_BYTES
from bot.audio.mp3_headers import ID3_HEAD, id3_bytes, padding

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

MIN_SPEED: Final = 0.5
MAX_SPEED: Final = 2.0


class Mp3Decoder:
    """One MP3. Whatever in it is no sound is stepped over, and so is a frame that was cut off.

    Everything here blocks and belongs into a thread. PyAV (37 ms, 17 MB) is imported when first needed.
    """

    def __init__(self, speed: float = 1.0) -> None:
        import av  # when first used

        # The one that reckons in floating point: two thirds of the other's time.
        codec = av.CodecContext.create("mp3float", "r")
        assert isinstance(codec, av.AudioCodecContext)
        codec.thread_count = 1
        self._codec = codec
        self._speed = speed
        self._head: bytes | None = b""  # the first bytes, while they may begin a tag
        self._tag_left = 0
        self._met_frame = False
        self._first: AudioFrame | None = None
        self._shaper: _Shaper | None = None
        self._skip = 0
        self._hold = 0
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the file's next bytes and give the sound that is whole by now."""
        if self._head is not None:
            data = self._past_tags(self._head + data)
        return self._parsed(data) if data else b""

    def finish(self) -> bytes:
        """Take it that this was all, and give the rest of the sound."""
        rest = self._parsed(self._head) if self._head else b""
        rest += self._parsed(b"")  # the parser keeps the last frame back until it is told
        if self._shaper is not None:
            rest += self._trimmed(self._shaper.finish())
        return rest

    def _past_tags(self, data: bytes) -> bytes:
        """Leave tags out of the file's beginning; keeps what is too short to tell."""
        while True:
            over = min(self._tag_left, len(data))
            self._tag_left -= over
            data = data[over:]
            if len(data) < ID3_HEAD:
                self._head = data
                return b""
            self._tag_left = id3_bytes(data)
            if not self._tag_left:
                self._head = None
                return data

    def _parsed(self, data: bytes) -> bytes:
        frames = [frame for packet in self._codec.parse(data) for frame in self._decoded(packet)]
        sound = [self._shaped(frame) for frame in frames]
        if self._shaper is not None:
            sound.append(self._shaper.give())
        return self._trimmed(b"".join(sound))

    def _decoded(self, packet: "Packet[AudioStream]") -> "list[AudioFrame]":
        import av  # when first used

        if not self._met_frame and (around := padding(bytes(packet))) is not None:
            self._met_frame = True
            per_sample = RATE / self._codec.sample_rate / self._speed
            self._skip, self._hold = (round(each * per_sample) * SAMPLE_BYTES for each in (around.before, around.after))
            return []
        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError:
            return []  # one damaged frame among good ones is a click, which a player would skip as well
        self._met_frame = self._met_frame or bool(frames)
        return frames

    def _shaped(self, frame: "AudioFrame") -> bytes:
        """Have a frame brought to our form; gives what is left of another kind, if the file changes its own.

        It may, as when several were put end to end.
        """
        if self._shaper is not None and self._shaper.takes(frame):
            self._first = None
            self._shaper.take(frame)
            return b""
        # Four bytes of anything may look like the head of a frame; two frames of one kind in a row are MP3.
        before, self._first = self._first, frame
        if before is None or _kind(before) != _kind(frame):
            return b""
        rest = self._shaper.finish() if self._shaper is not None else b""
        self._first = None
        self._shaper = _Shaper(frame, self._speed)
        self._shaper.take(before)
        self._shaper.take(frame)
        return rest

    def _trimmed(self, sound: bytes) -> bytes:
        """Leave out what the encoder put around the sound, so that clips follow each other without a gap."""
        if self._skip:
            over = min(self._skip, len(sound))
            self._skip -= over
            sound = sound[over:]
        if self._hold:
            sound = self._held + sound
            cut = max(0, len(sound) - self._hold)
            sound, self._held = sound[:cut], sound[cut:]
        return sound


class _Shaper:
    """Brings frames of one kind to our rate, to stereo and to the wanted speed."""

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

    def takes(self, frame: "AudioFrame") -> bool:
        """Whether `frame` is of this one's kind."""
        return _kind(frame) == self._kind

    def take(self, frame: "AudioFrame") -> None:
        """Take the next frame."""
        frame.pts = self._samples
        self._samples += frame.samples
        self._graph.push(frame)

    def finish(self) -> bytes:
        """Give everything, also what waited for more."""
        self._graph.push(None)
        return self.give()

    def give(self) -> bytes:
        """Give what has come out by now."""
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
