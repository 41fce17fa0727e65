"""What a listener hears of a stream. The steps are run by hand; the pool has its own tests."""

import itertools

import pytest

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from bot.audio.pipeline import SILENCE
from tests.audio.manual_worker_pool import ManualWorkerPool, append_clip, new_clip, read_packets
from tests.support.hear_opus import RATE, decoded, loudness, place
from tests.support.make_sound import mp3, mp3_of, tune

LATE = 120  # samples that Opus is late by
MS = RATE // 1000


@pytest.fixture
def pool() -> ManualWorkerPool:
    return ManualWorkerPool()


@pytest.fixture
def stream(pool: ManualWorkerPool) -> OpusStream:
    return OpusStream(pool)


@pytest.mark.parametrize(
    ("rate", "channels", "kbits"), [(24_000, 1, 64), (44_100, 2, 128), (16_000, 1, 24), (48_000, 2, 320)]
)
async def test_a_clip_is_heard_whole_and_from_its_first_sample_on(
    pool: ManualWorkerPool, stream: OpusStream, rate: int, channels: int, kbits: int
) -> None:
    clip = append_clip(stream, mp3_of(tune(1, 1.5, rate=rate), rate=rate, channels=channels, kbits=kbits))
    stream.close()
    packets = read_packets(pool, stream)
    heard = decoded(packets)
    at, alike = place(heard, tune(1, 1.5), near=LATE, within=20 * MS)
    assert abs(at - LATE) < 2 * MS
    assert alike > 0.9
    assert loudness(heard) == pytest.approx(10_000 / 2**0.5, rel=0.1)
    assert SILENCE not in packets
    assert (await clip.done()) == (clip._result)
    assert (await clip.done()).seconds == clip.decoded_s == pytest.approx(1.5, abs=0.03)


def test_clips_of_any_kind_follow_each_other_without_a_gap(pool: ManualWorkerPool, stream: OpusStream) -> None:
    seconds = (0.73, 1.111, 0.4, 0.05, 0.9)
    kinds = itertools.cycle([(24_000, 1), (44_100, 2), (22_050, 1)])
    for seed, (length, (rate, channels)) in enumerate(zip(seconds, kinds, strict=False)):
        append_clip(stream, mp3_of(tune(seed, length, rate=rate), rate=rate, channels=channels))
    stream.close()
    packets = read_packets(pool, stream)
    heard, expected = decoded(packets), LATE
    for seed, length in enumerate(seconds):
        at, alike = place(heard, tune(seed, length), near=expected, within=15 * MS)
        assert alike > 0.85
        assert -2 * MS < at - expected < 15 * MS
        expected = at + round(length * RATE)
    assert SILENCE not in packets
    assert len(heard) - expected < 40 * MS


@pytest.mark.parametrize("behind", [[], [SILENCE] * 3], ids=["nothing", "silence"])
@pytest.mark.parametrize("joined", [0, 13, 37])
def test_who_listens_from_anywhere_hears_it_as_loud_as_it_is(
    pool: ManualWorkerPool, stream: OpusStream, behind: list[bytes], joined: int
) -> None:
    append_clip(stream, mp3_of(tune(1, 1)))
    packets = read_packets(pool, stream, 45)
    heard = decoded([*behind, *packets[joined:]])[len(behind) * 960 :]
    for at in range(10 * MS, 80 * MS, 5 * MS):
        assert loudness(heard[at : at + 5 * MS]) == pytest.approx(10_000 / 2**0.5, rel=0.2)


@pytest.mark.parametrize("fed_before", [0.0, 0.3, 1.0])
def test_what_came_before_a_clip_was_appended_is_heard_as_what_comes_after(
    pool: ManualWorkerPool, stream: OpusStream, fed_before: float
) -> None:
    whole, other = mp3_of(tune(3, 0.6)), OpusStream(pool)
    append_clip(other, whole)
    other.close()
    clip, at = Clip(), round(len(whole) * fed_before)
    clip.feed(whole[:at])
    if at == len(whole):
        clip.end()
    stream.append(clip)
    clip.feed(whole[at:])
    clip.end()
    stream.close()
    assert read_packets(pool, stream) == read_packets(pool, other)


async def test_a_clip_dropped_before_it_is_appended_is_never_heard(pool: ManualWorkerPool, stream: OpusStream) -> None:
    clip = Clip()
    clip.feed(mp3(1))
    clip.drop()
    clip.feed(mp3(1))
    clip.end()
    stream.append(clip)
    append_clip(stream, mp3(0.2))
    stream.close()
    assert (await clip.done()).dropped
    assert len(read_packets(pool, stream)) < 20


def test_how_the_bytes_are_cut_makes_no_difference(pool: ManualWorkerPool, stream: OpusStream) -> None:
    whole = mp3_of(tune(3, 0.6))
    append_clip(stream, whole)
    bit_by_bit, other = OpusStream(pool), None
    other = new_clip(bit_by_bit)
    for at in range(len(whole)):
        other.feed(whole[at : at + 1])
    other.end()
    stream.close()
    bit_by_bit.close()
    assert read_packets(pool, stream) == read_packets(pool, bit_by_bit)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_speed_changes_how_long_it_takes_and_not_how_it_sounds(
    pool: ManualWorkerPool, stream: OpusStream, speed: float
) -> None:
    clip = append_clip(stream, mp3(2), speed=speed)
    stream.close()
    heard = decoded(read_packets(pool, stream))
    assert clip.played_s == pytest.approx(2 / speed, rel=0.03)
    middle = heard[len(heard) // 4 : -len(heard) // 4]
    crossings = sum(a < 0 <= b for a, b in itertools.pairwise(middle))
    assert crossings / len(middle) * RATE == pytest.approx(0.11 * 24_000 / 6.2832, rel=0.02)


@pytest.mark.parametrize("speed", [0.49, 2.01, float("nan")])
def test_other_speeds_are_refused(stream: OpusStream, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Clip(speed)


async def test_a_dropped_clip_falls_silent_at_once_and_leaves_nothing_in_the_next(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    first, second = append_clip(stream, mp3_of(tune(4, 2))), append_clip(stream, mp3_of(tune(5, 1)))
    stream.close()
    before = read_packets(pool, stream, 30)
    first.drop()
    assert stream.read() == SILENCE
    after = read_packets(pool, stream)
    heard = decoded([*before, SILENCE, *after])[31 * 960 :]
    at, alike = place(heard, tune(5, 1), near=LATE)
    assert at == LATE
    assert alike > 0.95
    assert loudness(heard[: LATE // 2]) < 100
    dropped = await first.done()
    assert (dropped.dropped, dropped.seconds) == (True, pytest.approx(0.6))
    assert (await second.done()).seconds == second.decoded_s


def test_a_clip_dropped_while_it_waits_is_not_heard_though_it_was_encoded(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    append_clip(stream, mp3_of(tune(6, 0.512)))
    second = append_clip(stream, mp3_of(tune(7, 0.7)))
    append_clip(stream, mp3_of(tune(8, 0.6)))
    stream.close()
    before = read_packets(pool, stream, 3)
    second.drop()
    packets = [*before, *read_packets(pool, stream)]
    heard = decoded(packets)
    assert SILENCE not in packets
    one, alike = place(heard, tune(6, 0.512), near=LATE)
    assert alike > 0.95
    three, alike = place(heard, tune(8, 0.6), near=one + round(0.512 * RATE))
    assert alike > 0.95
    assert three - one - 0.512 * RATE < 15 * MS
    assert len(heard) - three - 0.6 * RATE < 40 * MS


def test_dropping_the_last_clip_before_its_turn_leaves_the_one_before_whole(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    append_clip(stream, mp3_of(tune(6, 0.512)))
    second = append_clip(stream, mp3_of(tune(7, 0.7)))
    pool.run_all()
    second.drop()
    stream.close()
    heard = decoded(read_packets(pool, stream))
    at, alike = place(heard, tune(6, 0.512), near=LATE)
    assert alike > 0.95
    assert loudness(heard[at + round(0.512 * RATE) + 5 * MS :]) < 200


@pytest.mark.parametrize("worked", [False, True], ids=["before any work", "when it was encoded"])
def test_a_clip_dropped_before_anything_was_read_leaves_the_next_from_its_beginning(
    pool: ManualWorkerPool, stream: OpusStream, worked: bool
) -> None:
    first = append_clip(stream, mp3_of(tune(4, 1)))
    append_clip(stream, mp3_of(tune(5, 1)))
    stream.close()
    if worked:
        pool.run_all()
    first.drop()
    packets = read_packets(pool, stream)
    _, alike = place(decoded(packets), tune(5, 1), near=LATE, within=5 * MS)
    assert alike > 0.95
    assert len(packets) == 51


def test_clips_dropped_in_any_order_end_the_stream(pool: ManualWorkerPool, stream: OpusStream) -> None:
    clips = [append_clip(stream, mp3_of(tune(seed, 0.3))) for seed in range(6)]
    stream.close()
    read_packets(pool, stream, 20)
    for clip in (clips[3], clips[1], clips[5], clips[4], clips[2], clips[0]):
        clip.drop()
        clip.drop()
        pool.run_all()
    assert stream.read() == b""
    assert all(clip._is_done.is_set for clip in clips)


def test_on_underrun_it_sends_silence_and_continues_exactly_where_it_stopped(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    wave = tune(9, 2)
    sound = mp3_of(wave)
    clip = new_clip(stream)
    packets = []
    for at in range(0, len(sound), 3500):
        clip.feed(sound[at : at + 3500])
        packets += read_packets(pool, stream, 60)
    clip.end()
    stream.close()
    packets += read_packets(pool, stream)
    assert packets[-60:].count(SILENCE) < 60
    heard, runs = decoded(packets), []
    for silent, run in itertools.groupby(range(len(packets)), lambda place: packets[place] == SILENCE):
        places = list(run)
        if not silent:
            runs.append(heard[places[0] * 960 : (places[-1] + 1) * 960])
    assert len(runs) > 2
    # Each run but the first begins with the bit that the encoder had not given away yet.
    joined = runs[0] + [sample for run in runs[1:] for sample in run[120:]]
    for length in (0.4, 1.2, 2):
        _, alike = place(joined, wave[: round(length * 24_000)], near=LATE, within=5 * MS)
        assert alike > 0.93


def test_sound_that_trickles_at_half_its_speed_has_few_pauses_and_is_heard_whole(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    sound = mp3_of(tune(10, 8))
    clip, packets = new_clip(stream), []
    for at in range(0, len(sound), 80):  # 10 ms of 64 kbit/s
        clip.feed(sound[at : at + 80])
        packets += read_packets(pool, stream, 1)
    clip.end()
    stream.close()
    packets += read_packets(pool, stream)
    lengths = [(silent, len(list(run))) for silent, run in itertools.groupby(packets, lambda each: each == SILENCE)]
    sounding = [length for silent, length in lengths if not silent]
    assert len(sounding) < 9
    assert min(sounding[:-1]) >= 10
    assert sum(sounding) * 0.02 == pytest.approx(8, abs=0.15)


def test_a_clip_that_comes_after_a_silence_is_heard_from_its_beginning(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    append_clip(stream, mp3_of(tune(11, 0.5)))
    before = read_packets(pool, stream, 60)
    append_clip(stream, mp3_of(tune(12, 0.1)))
    stream.close()
    after = read_packets(pool, stream)
    assert before[-30:] == [SILENCE] * 30
    assert SILENCE not in after
    _, alike = place(decoded([*before, *after])[len(before) * 960 :], tune(12, 0.1), near=LATE, within=5 * MS)
    assert alike > 0.95


def test_reading_may_begin_before_there_is_anything(pool: ManualWorkerPool, stream: OpusStream) -> None:
    assert stream.read() == SILENCE
    clip = new_clip(stream)
    assert stream.read() == SILENCE
    clip.feed(mp3(1)[:1200])
    pool.run_all()
    assert stream.read() == SILENCE, "a tenth of a second is not worth beginning with"
    clip.feed(mp3(1)[1200:])
    pool.run_all()
    assert stream.read() != SILENCE


async def test_ten_minutes_are_neither_decoded_at_once_nor_in_the_way_of_others(
    pool: ManualWorkerPool, stream: OpusStream
) -> None:
    minute = mp3(60, kbits=32)
    long = append_clip(stream, minute * 10)
    other = OpusStream(pool)
    short = append_clip(other, mp3(1))
    for _ in range(4):
        pool.step()
    assert other.read() != SILENCE
    pool.run_all()
    assert 3 <= long.decoded_s < 3.5
    assert short.decoded_s == pytest.approx(1, abs=0.03)
    read_packets(pool, stream, 500)
    assert 11 <= long.decoded_s < 13.5
    long.drop()
    assert (await long.done()).seconds == pytest.approx(10, abs=0.03)


async def test_two_streams_get_steps_in_turn(pool: ManualWorkerPool, stream: OpusStream) -> None:
    other = OpusStream(pool)
    for each in (stream, other):
        append_clip(each, mp3(20))
    steps = [pool.step() for _ in range(10)]
    assert steps == [stream, other] * 5


async def test_an_abandoned_stream_is_over_at_once(pool: ManualWorkerPool, stream: OpusStream) -> None:
    clips = [append_clip(stream, mp3(1)), new_clip(stream)]
    read_packets(pool, stream, 10)
    stream.abandon()
    assert stream.read() == b""
    assert [(await clip.done()).dropped for clip in clips] == [True, True]
    assert clips[0].played_s == pytest.approx(0.2)
    clips[1].feed(mp3(1))
    late = new_clip(stream)
    pool.run_all()
    assert (stream.read(), (await late.done()).dropped) == (b"", True)


def test_a_stream_without_clips_is_silent_until_it_is_closed(pool: ManualWorkerPool, stream: OpusStream) -> None:
    assert read_packets(pool, stream, 3) == [SILENCE] * 3
    stream.close()
    assert (stream.read(), stream.read()) == (b"", b"")


@pytest.mark.parametrize("first", [0.2, 0.4, 0.6, 0.8])
async def test_a_clip_that_ends_behind_a_pause_is_heard_to_its_end_though_nothing_follows(
    pool: ManualWorkerPool, stream: OpusStream, first: float
) -> None:
    whole, clip = mp3_of(tune(1, 0.6)), new_clip(stream)
    at = round(len(whole) * first)
    clip.feed(whole[:at])
    assert SILENCE in read_packets(pool, stream, 60)  # what came is used up: more is waited for from now on
    clip.feed(whole[at:])
    clip.end()
    read_packets(pool, stream, 100)
    assert (await clip.done()).seconds == pytest.approx(0.6, abs=0.03)
