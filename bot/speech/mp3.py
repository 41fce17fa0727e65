"""Several MP3s to one, one MP3 to a smaller one, and other audio formats to MP3.

MP3s of one format are joined as they are, without loss, behind a header with the whole duration. All of this runs in a
worker. PyAV (37 ms, 17 MB) is imported when first needed.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from bot.errors import BotError, InvalidApiResponse
from bot.messages import speech as texts

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container.input import InputContainer
    from av.packet import Packet

# Speech in mono at 24 kHz, in kbit/s: from no loss that one would hear to the least that is understood, which puts
# 87 minutes into 10 MiB.
_COMPRESSED_KBITS: Final = (96, 64, 48, 32, 24, 16)
_COMPRESSED_RATE: Final = 24_000
_JOINED_KBITS: Final = {1: 96, 2: 160}  # by channels, where MP3s of different formats have to be encoded again
_MAX_DURATION_S: Final = 3 * 60 * 60.0  # what fits a file is far shorter
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 384_000  # samples a second; at one a second, a short file takes hours to encode
_RATES: Final = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_NO_TAGS: Final = {"id3v2_version": "0"}
_MAX_OVERHEAD_BYTES: Final = 4096  # what header, padding and a last frame add at most, in bytes


class TooLongToSend(BotError):
    """Even the plainest encoding of the speech is over what Discord takes."""

    message = texts.too_long_to_send()


def duration_s(mp3: bytes) -> float:
    """Return how many seconds of audio there are.

    Raises:
        InvalidApiResponse: there is none in it.
    """
    seconds, frames = 0.0, 0
    with _open(mp3) as (container, stream):
        for packet in _list_audio_packets(container, stream):
            seconds += float((packet.duration or 0) * packet.time_base)
            _check_length(seconds)
            frames += len(_decode_packet(stream, packet))
    # Four bytes of anything may look like the head of a frame.
    if frames < 2 or seconds <= 0:
        raise InvalidApiResponse(f"speech without sound in {len(mp3)} bytes")
    return seconds


def join_mp3s(pieces: Sequence[bytes]) -> bytes:
    """Return the MP3s end to end; a single one as it is.

    Raises:
        InvalidApiResponse: one cannot be read as MP3.
    """
    if len(pieces) == 1:
        return pieces[0]
    kinds = {_read_format(piece) for piece in pieces}
    if len(kinds) == 1:
        return _remux(pieces)
    channels = max(channels for _, channels in kinds)
    return _encode(pieces, max(rate for rate, _ in kinds), channels, _JOINED_KBITS[channels])


def to_mp3(data: bytes, kind: str) -> bytes:
    """Return audio of another format (`kind` is FFmpeg's name of it) as MP3.

    Raises:
        InvalidApiResponse: it cannot be read, there is no audio in it, or its sampling rate is out of range.
    """
    rate, channels = _read_format(data, kind)
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise InvalidApiResponse(f"speech at {rate} samples a second")
    rate, channels = next((each for each in _RATES if each >= rate), _RATES[-1]), min(channels, 2)
    mp3 = _encode([data], rate, channels, _JOINED_KBITS[channels], kind)
    duration_s(mp3)
    return mp3


def compress_mp3(mp3: bytes, limit: int) -> bytes:
    """Return `mp3` encoded as well as `limit` bytes allow; one that fits as it is.

    Raises:
        TooLongToSend: the lowest bit rate still gives more.
        InvalidApiResponse: it cannot be read as MP3.
    """
    if len(mp3) <= limit:
        return mp3
    seconds = duration_s(mp3)
    for kbits in _COMPRESSED_KBITS:
        if seconds * kbits * 125 + _MAX_OVERHEAD_BYTES <= limit:
            smaller = _encode([mp3], _COMPRESSED_RATE, 1, kbits)
            if len(smaller) <= limit:
                return smaller
    raise TooLongToSend(f"{seconds:.0f} s of speech do not fit into {limit} bytes")


def _read_format(data: bytes, kind: str = "mp3") -> tuple[int, int]:
    """Return the sampling rate in Hz and the number of channels."""
    with _open(data, kind) as (_, stream):
        return stream.codec_context.sample_rate, stream.codec_context.channels


def _remux(pieces: Sequence[bytes]) -> bytes:
    import av  # when first used

    written = io.BytesIO()
    with _translate_errors(), av.open(written, "w", format="mp3", options=_NO_TAGS) as out:
        joined: AudioStream | None = None
        at = 0
        for piece in pieces:
            with _open(piece) as (container, stream):
                if joined is None:
                    joined = out.add_stream_from_template(stream)
                for packet in _list_audio_packets(container, stream):
                    packet.stream, packet.pts, packet.dts = joined, at, at
                    at += packet.duration or 0
                    out.mux(packet)
    return written.getvalue()


def _encode(pieces: Sequence[bytes], rate: int, channels: int, kbits: int, kind: str = "mp3") -> bytes:
    import av  # when first used

    layout = "mono" if channels == 1 else "stereo"
    written = io.BytesIO()
    with _translate_errors(), av.open(written, "w", format="mp3", options=_NO_TAGS) as out:
        stream: AudioStream = out.add_stream("libmp3lame", rate=rate, layout=layout, bit_rate=kbits * 1000)
        samples = 0
        for piece in pieces:
            for frame in _resample(piece, rate, layout, kind):
                _check_length(samples / rate)
                frame.pts, frame.time_base = samples, Fraction(1, rate)
                samples += frame.samples
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return written.getvalue()


def _resample(data: bytes, rate: int, layout: str, kind: str) -> Iterator["AudioFrame"]:
    """Yield the frames of `data` in one format."""
    import av  # when first used

    # A resampler settles on the kind of its first frame, so each MP3 has one of its own.
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    with _open(data, kind) as (container, stream):
        for packet in container.demux(stream):
            if kind != "mp3" or (packet.size and packet.duration):
                for frame in _decode_packet(stream, packet):
                    yield from resampler.resample(frame)
        yield from resampler.resample(None)


def _decode_packet(stream: "AudioStream", packet: "Packet[AudioStream]") -> "list[AudioFrame]":
    import av  # when first used

    try:
        return stream.decode(packet)
    except av.InvalidDataError:
        return []  # one damaged frame among good ones is a click, which a player would skip as well


def _check_length(seconds: float) -> None:
    if seconds > _MAX_DURATION_S:
        raise InvalidApiResponse(f"speech of more than {_MAX_DURATION_S:.0f} s")


@contextmanager
def _open(data: bytes, kind: str = "mp3") -> Iterator[tuple["InputContainer", "AudioStream"]]:
    import av  # when first used

    with _translate_errors(), av.open(io.BytesIO(data), "r", format=kind) as container:
        if not container.streams.audio:
            raise InvalidApiResponse("speech without an audio stream")
        yield container, container.streams.audio[0]


def _list_audio_packets(container: "InputContainer", stream: "AudioStream") -> Iterator["Packet[AudioStream]"]:
    """Return the packets with audio in them; the empty one at the end only tells decoders to finish."""
    return (packet for packet in container.demux(stream) if packet.size and packet.duration)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate what FFmpeg raises for bytes that are no audio.

    Raises:
        InvalidApiResponse: FFmpeg cannot read them.
    """
    import av  # when first used

    try:
        yield
    except av.FFmpegError as error:
        raise InvalidApiResponse(f"speech cannot be read: {error.strerror}") from error
