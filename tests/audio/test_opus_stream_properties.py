"""Events in any order: the stream ends, and each clip that was not dropped is heard whole."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from tests.audio.manual_worker_pool import ManualWorkerPool, new_clip, read_packets
from tests.support.make_sound import mp3

LENGTHS = (0.0, 0.03, 0.05, 0.1, 0.3, 1.0, 4.0)


@functools.cache
def file(seconds: float) -> bytes:
    return mp3(seconds) if seconds else b"no sound at all"


class FedClip:
    """A clip, and the rest of its file that it has not been fed yet."""

    def __init__(self, clip: Clip, seconds: float) -> None:
        self.clip, self.seconds, self.rest = clip, seconds, file(seconds)

    def feed(self, size: int) -> None:
        part, self.rest = self.rest[:size], self.rest[size:]
        self.clip.feed(part)
        if not self.rest:
            self.clip.end()

    def assert_heard_whole(self) -> None:
        heard = self.clip._result
        assert heard is not None
        if not heard.dropped:
            assert (heard.fault is None) == (heard.seconds > 0) == (self.seconds > 0)
            assert heard.seconds == self.clip.decoded_s == pytest.approx(self.seconds, abs=0.03)


numbers = st.integers(0, 9)
events = st.one_of(
    st.tuples(st.just("clip"), st.sampled_from(LENGTHS)),
    st.tuples(st.just("feed"), st.tuples(numbers, st.sampled_from([100, 1000, 5000, 100_000]))),
    st.tuples(st.just("drop"), numbers),
    st.tuples(st.just("read"), st.sampled_from([1, 1, 5, 20])),
    st.tuples(st.just("work"), st.sampled_from([1, 1, 3, 100])),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(events, min_size=10, max_size=120))
def test_a_stream_ends_and_what_was_not_dropped_is_heard_whole(happening: list[tuple[str, object]]) -> None:
    pool, clips = ManualWorkerPool(), list[FedClip]()
    stream = OpusStream(pool)
    for event in happening:
        match event:
            case ("clip", float(seconds)) if len(clips) < 10:
                clips.append(FedClip(new_clip(stream), seconds))
            case ("feed", (int(number), int(size))) if number < len(clips):
                clips[number].feed(size)
            case ("drop", int(number)) if number < len(clips):
                clips[number].clip.drop()
            case ("read", int(count)):
                assert all(stream.read() for _ in range(count))
            case ("work", int(count)):
                for _ in range(min(count, len(pool.scheduled))):
                    pool.step()
    for each in clips:
        each.feed(100_000)
    stream.close()
    assert len(read_packets(pool, stream, 5000)) < 5000
    for each in clips:
        each.assert_heard_whole()
