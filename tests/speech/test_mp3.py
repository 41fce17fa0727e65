"""One MP3 out of several, and a smaller one out of a big one."""

import io
import subprocess
import sys

import av
import pytest

from bot.errors import InvalidApiResponse
from bot.messages.render import render
from bot.speech.mp3 import TooLongToSend, compress_mp3, duration_s, join_mp3s, to_mp3
from tests.support.make_sound import mp3, sound

FRAME_S = 0.05  # no MP3 ends in mid-frame, and encoders pad one or two


def kind(sound: bytes) -> tuple[int, int, float]:
    """What a player reads in the header: rate, channels, seconds."""
    with av.open(io.BytesIO(sound), "r") as container:
        assert container.format.name == "mp3"
        assert container.duration is not None
        stream = container.streams.audio[0]
        return stream.rate, stream.channels, container.duration / 1_000_000


def loudness_of_the_quietest_tenth(sound: bytes) -> int:
    """Decode all of it; a hole or a broken seam would show as a quiet stretch."""
    with av.open(io.BytesIO(sound), "r") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=8000)
        frames = [ready for frame in container.decode(audio=0) for ready in resampler.resample(frame)]
    samples = memoryview(b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)).cast("h")
    return min(max(abs(value) for value in samples[at : at + 800]) for at in range(800, len(samples) - 1600, 800))


def test_a_single_piece_is_passed_on_untouched() -> None:
    assert join_mp3s([b"whatever it is"]) == b"whatever it is"


def test_pieces_of_one_kind_play_one_after_the_other() -> None:
    first, second, third = mp3(1.5), mp3(2.25), mp3(0.5)
    joined = join_mp3s([first, second, third])
    assert kind(joined) == (24_000, 1, pytest.approx(4.25, abs=4 * FRAME_S))
    assert duration_s(joined) == pytest.approx(duration_s(first) + duration_s(second) + duration_s(third), abs=FRAME_S)
    assert loudness_of_the_quietest_tenth(joined) > 6000


def test_pieces_keep_their_sound_bit_by_bit() -> None:
    joined = join_mp3s([mp3(1), mp3(1)])
    with av.open(io.BytesIO(mp3(1)), "r", format="mp3") as container:
        packet = [bytes(packet) for packet in container.demux(audio=0)][10]
    assert joined.count(packet) >= 2


def test_pieces_of_different_kinds_become_one_kind() -> None:
    joined = join_mp3s([mp3(1), mp3(1, rate=44_100, channels=2, kbits=128), mp3(1, rate=22_050)])
    assert kind(joined) == (44_100, 2, pytest.approx(3, abs=6 * FRAME_S))
    assert loudness_of_the_quietest_tenth(joined) > 3000


def test_tags_of_the_pieces_are_left_behind() -> None:
    tag = (
        b"ID3\x04\x00\x00"
        + bytes([0, 0, 0, 40])
        + b"TIT2"
        + bytes([0, 0, 0, 30, 0, 0, 3])
        + b"a tag of the server".ljust(29)
    )
    joined = join_mp3s([tag + mp3(1), tag + mp3(1)])
    assert b"a tag of the server" not in joined
    assert duration_s(joined) == pytest.approx(2, abs=4 * FRAME_S)


@pytest.mark.parametrize("broken", [b"", b'{"error": "no"}', b"\xff\xfb\x90\x00", bytes(5000), b"\xff" * 5000])
def test_what_is_no_sound_is_a_broken_answer(broken: bytes) -> None:
    with pytest.raises(InvalidApiResponse):
        join_mp3s([mp3(0.5), broken])
    with pytest.raises(InvalidApiResponse):
        duration_s(broken)


@pytest.mark.parametrize("rate", [1, 3_999, 384_001])
def test_sampling_rates_of_no_sound_are_a_broken_answer(rate: int) -> None:
    wav = bytearray(sound("wav", 0.3))
    wav[24:28] = rate.to_bytes(4, "little")
    with pytest.raises(InvalidApiResponse, match=f"{rate} samples"):
        to_mp3(bytes(wav), "wav")


def test_a_torn_end_still_plays() -> None:
    whole = mp3(2)
    torn = whole[: len(whole) // 2]
    assert duration_s(torn) == pytest.approx(1, abs=4 * FRAME_S)
    assert duration_s(join_mp3s([mp3(1), torn])) == pytest.approx(2, abs=6 * FRAME_S)


def test_a_file_that_fits_is_left_alone() -> None:
    sound = mp3(1)
    assert compress_mp3(sound, len(sound)) is sound


@pytest.mark.parametrize("limit", [90_000, 40_000, 25_000])
def test_a_file_over_the_limit_is_encoded_to_fit_whole(limit: int) -> None:
    sound = mp3(10, rate=44_100, channels=2, kbits=192)
    smaller = compress_mp3(sound, limit)
    assert limit / 3 < len(smaller) <= limit < len(sound)
    assert kind(smaller) == (24_000, 1, pytest.approx(10, abs=4 * FRAME_S))


def test_a_file_that_cannot_fit_is_told_in_a_sentence() -> None:
    with pytest.raises(TooLongToSend) as told:
        compress_mp3(mp3(10), 10_000)
    assert "too long" in render(told.value.message)


def test_the_audio_library_waits_until_it_is_needed() -> None:
    script = "import sys, bot.speech.mp3; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
