"""When the next edit may start."""

import pytest

from bot.streaming.message_streamer import MAX_PAUSE_S, Pacer


class FixedBucket:
    """A bucket that says the same each time it is asked."""

    def __init__(self, left: int | None = None, reset_after_s: float = 0.0) -> None:
        self._left, self._reset_after_s = left, reset_after_s

    def remaining(self) -> int | None:
        return self._left

    def reset_after_s(self) -> float:
        return self._reset_after_s

    @property
    def responded_at(self) -> float | None:
        return None


def after_an_edit(took: float, *, applied: bool = True, times: int = 1) -> Pacer:
    """A pacer whose edits ended at second 100."""
    pacer = Pacer()
    for _ in range(times):
        pacer.edit_started(100 - took)
        pacer.edit_ended(100, applied=applied)
    return pacer


def test_the_first_edit_may_start_at_once() -> None:
    assert Pacer().pause_s(100, FixedBucket()) == 0


@pytest.mark.parametrize(
    ("took", "pause"),
    [(0.0, 1.0), (0.4, 0.6), (0.5, 0.5), (2.0, 2.0), (60.0, MAX_PAUSE_S)],
    ids=["instant", "quick", "half a second", "slow", "endless"],
)
def test_an_edit_is_followed_by_a_pause_that_grows_with_it(took: float, pause: float) -> None:
    assert after_an_edit(took).pause_s(100, FixedBucket()) == pytest.approx(pause)


@pytest.mark.parametrize(("times", "pause"), [(1, 2.0), (2, 4.0), (3, 8.0), (9, MAX_PAUSE_S)])
def test_failures_in_a_row_double_the_pause(times: int, pause: float) -> None:
    assert after_an_edit(0.0, applied=False, times=times).pause_s(100, FixedBucket()) == pytest.approx(pause)


def test_a_success_ends_the_backing_off() -> None:
    pacer = after_an_edit(0.0, applied=False, times=3)
    pacer.edit_started(100)
    pacer.edit_ended(100, applied=True)
    assert pacer.pause_s(100, FixedBucket()) == pytest.approx(1.0)


@pytest.mark.parametrize("left", [0, 1])
def test_the_last_request_of_a_bucket_is_kept(left: int) -> None:
    assert after_an_edit(0.0).pause_s(101, FixedBucket(left, reset_after_s=3.5)) == pytest.approx(3.5)


def test_even_a_first_edit_leaves_the_last_request_alone() -> None:
    assert Pacer().pause_s(100, FixedBucket(1, reset_after_s=3.5)) == pytest.approx(3.5)


def test_a_first_edit_with_room_left_waits_for_nothing() -> None:
    assert Pacer().pause_s(100, FixedBucket(2, reset_after_s=3.5)) == 0


def test_a_refilled_bucket_holds_nothing_up() -> None:
    assert after_an_edit(0.0).pause_s(101, FixedBucket(0, reset_after_s=0.0)) == 0


def test_a_small_bucket_is_spread_over_its_time() -> None:
    pacer = after_an_edit(0.0)
    bucket = FixedBucket(4, reset_after_s=8.0)  # three may be spent: one each two seconds
    assert pacer.pause_s(100, bucket) == pytest.approx(2.0)


def test_a_roomy_bucket_does_not_slow_the_pace() -> None:
    assert after_an_edit(0.0).pause_s(100, FixedBucket(30, reset_after_s=5.0)) == pytest.approx(1.0)
