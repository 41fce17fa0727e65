"""What is made of packets that were heard."""

import wave
from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox.discord.voice.recording import SILENCE, Packet, Recording, quantile
from tests.sandbox.voice_bot import encode_tones, notes

ADA, BEN = 1, 2


def packets(
    arrivals_ms: Sequence[float], *, call: int = 1, first: int = 0, opus: Sequence[bytes] | None = None
) -> list[Packet]:
    """Packets as they come at these moments; silent ones, unless there is something in them."""
    return [
        Packet(
            arrived_ns=round(ms * 1_000_000),
            call=call,
            sequence=(first + n) % (1 << 16),
            timestamp=(first + n) * 960 % (1 << 32),
            opus=b"sound" if opus is None else opus[n],
            channel_id=9,
            listeners=frozenset({ADA}),
        )
        for n, ms in enumerate(arrivals_ms)
    ]


def tail(start_ms: float, first: int) -> list[Packet]:
    """The end as discord.py sends it: five silent packets at once."""
    return packets([start_ms + n / 10 for n in range(5)], first=first, opus=[SILENCE] * 5)


def test_packets_on_the_grid_are_not_off_it() -> None:
    heard = Recording([*packets(range(0, 200, 20)), *tail(200, 10)])
    assert heard.off_grid_ms() == [0.0] * 10
    assert heard.gaps() == []
    assert len(heard.spurts()) == 1


def test_a_stall_is_a_gap_and_what_comes_after_it_is_off_the_grid() -> None:
    heard = Recording(packets([0, 20, 40, 60, 80, 100, 120, 240, 260]))
    (gap,) = heard.gaps()
    assert (gap.after, gap.ms) == (6, 120)
    assert heard.off_grid_ms() == [0.0] * 7 + [100.0] * 2
    assert quantile(heard.off_grid_ms(), 0.5) == 0
    assert quantile(heard.off_grid_ms(), 0.99) == 100
    assert quantile([], 0.99) == 0


def test_a_pause_between_two_songs_is_no_gap() -> None:
    heard = Recording([*packets([0, 20]), *tail(40, 2), *packets([3000, 3020], first=7)])
    assert heard.gaps() == []
    assert [len(spurt) for spurt in heard.spurts()] == [7, 2]
    assert heard.off_grid_ms() == [0.0] * 4


def test_a_starved_player_that_goes_on_is_one_spurt() -> None:
    opus = [b"sound", *[SILENCE] * 6, b"sound"]
    heard = Recording(packets(range(0, 160, 20), opus=opus))
    assert len(heard.spurts()) == 1
    assert len(heard.speech) == 2


def test_a_new_call_is_a_new_spurt_and_a_hole_before_it_is_a_gap() -> None:
    heard = Recording([*packets([0, 20]), *packets([500, 520], call=2, first=3000)])
    assert [len(spurt) for spurt in heard.spurts()] == [2, 2]
    assert [gap.ms for gap in heard.gaps()] == [480]
    assert heard.lost == 0


def test_lost_packets_are_counted_also_where_the_numbers_begin_again() -> None:
    run = packets(range(0, 120, 20), first=(1 << 16) - 3)
    assert Recording([*run[:2], *run[4:]]).lost == 2


def test_everyone_hears_what_they_could_hear() -> None:
    heard = Recording([*packets([0]), Packet(20, 1, 1, 960, b"", 9, unheard="no listeners")])
    assert [len(each) for each in (heard, heard.audible, heard.by(ADA), heard.by(BEN))] == [2, 1, 1, 0]


def test_lost_packets_and_pauses_are_silent_in_what_is_saved(tmp_path: Path) -> None:
    do, mi = 440.0, 880.0
    opus = encode_tones([do, mi])
    first = packets([20 * n for n in range(len(opus))], opus=opus)
    again = packets([20 * n + 1000 for n in range(len(opus))], call=2, opus=opus)
    heard = Recording([*first[:5], *first[7:], *again])
    assert notes(Recording(again), [do, mi]) == [do, mi]
    assert len(heard.pcm()) == 960 * 2 * len(opus)
    assert heard.save(tmp_path / "heard.wav") == pytest.approx(1 + 0.02 * len(opus), abs=0.001)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (48000, 1, 48000 + 960 * len(opus))


def test_nothing_heard_is_nothing(tmp_path: Path) -> None:
    assert Recording([]).save(tmp_path / "nothing.wav") == 0
    assert Recording([]).off_grid_ms() == []
