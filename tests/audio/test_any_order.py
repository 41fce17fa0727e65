"""Whatever comes in whatever order: the talk ends, and each clip that was not dropped is heard whole."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from tests.audio.by_hand import ByHand, read
from tests.support.make_sound import mp3

LENGTHS = (0.0, 0.03, 0.05, 0.1, 0.3, 1.0, 4.0)


@functools.cache
def file(seconds: float) -> bytes:
    return mp3(seconds) if seconds else b"no sound at all"


class Given:
    """A clip and what of its file it has yet to get."""

    def __init__(self, clip: Clip, seconds: float) -> None:
        self.clip, self.seconds, self.rest = clip, seconds, file(seconds)

    def feed(self, size: int) -> None:
        part, self.rest = self.rest[:size], self.rest[size:]
        self.clip.feed(part)
        if not self.rest:
            self.clip.end()


which = st.integers(0, 9)
events = st.one_of(
    st.tuples(st.just("clip"), st.sampled_from(LENGTHS)),
    st.tuples(st.just("feed"), st.tuples(which, st.sampled_from([100, 1000, 5000, 100_000]))),
    st.tuples(st.just("drop"), which),
    st.tuples(st.just("read"), st.sampled_from([1, 1, 5, 20])),
    st.tuples(st.just("work"), st.sampled_from([1, 1, 3, 100])),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(events, min_size=10, max_size=120))
def test_a_talk_ends_and_what_was_not_dropped_is_heard_whole(happens: list[tuple[str, object]]) -> None:
    pool, clips = ByHand(), list[Given]()
    stream = OpusStream(pool)
    for event in happens:
        match event:
            case ("clip", float(seconds)) if len(clips) < 10:
                clips.append(Given(stream.clip(), seconds))
            case ("feed", (int(number), int(size))) if number < len(clips):
                clips[number].feed(size)
            case ("drop", int(number)) if number < len(clips):
                clips[number].clip.drop()
            case ("read", int(count)):
                assert all(stream.read() for _ in range(count))
            case ("work", int(count)):
                for _ in range(min(count, len(pool.asking))):
                    pool.step()
    for each in clips:
        each.feed(100_000)
    stream.close()
    assert len(read(pool, stream, 5000)) < 5000
    for each in clips:
        heard = each.clip._result
        assert heard is not None
        if not heard.dropped:
            assert (heard.fault is None) == (heard.seconds > 0) == (each.seconds > 0)
            assert heard.seconds == each.clip.decoded_s == pytest.approx(each.seconds, abs=0.03)
