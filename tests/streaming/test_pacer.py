"""When the next edit may start."""

import pytest

from bot.streaming.pacer import LONGEST_S, Pacer


class FixedRoom:
    """A bucket that says the same each time it is asked."""

    def __init__(self, left: int | None = None, refills_in: float = 0.0) -> None:
        self._left, self._refills_in = left, refills_in

    def left(self) -> int | None:
        return self._left

    def refills_in(self) -> float:
        return self._refills_in


def after_an_edit(took: float, *, applied: bool = True, times: int = 1) -> Pacer:
    """A pacer whose edits ended at second 100."""
    pacer = Pacer()
    for _ in range(times):
        pacer.start(100 - took)
        pacer.end(100, applied=applied)
    return pacer


def test_the_first_edit_may_start_at_once() -> None:
    assert Pacer().pause(100, FixedRoom()) == 0


@pytest.mark.parametrize(
    ("took", "pause"),
    [(0.0, 1.0), (0.4, 0.6), (0.5, 0.5), (2.0, 2.0), (60.0, LONGEST_S)],
    ids=["instant", "quick", "half a second", "slow", "endless"],
)
def test_an_edit_is_followed_by_a_pause_that_grows_with_it(took: float, pause: float) -> None:
    assert after_an_edit(took).pause(100, FixedRoom()) == pytest.approx(pause)


@pytest.mark.parametrize(("times", "pause"), [(1, 2.0), (2, 4.0), (3, 8.0), (9, LONGEST_S)])
def test_failures_in_a_row_double_the_pause(times: int, pause: float) -> None:
    assert after_an_edit(0.0, applied=False, times=times).pause(100, FixedRoom()) == pytest.approx(pause)


def test_a_success_ends_the_backing_off() -> None:
    pacer = after_an_edit(0.0, applied=False, times=3)
    pacer.start(100)
    pacer.end(100, applied=True)
    assert pacer.pause(100, FixedRoom()) == pytest.approx(1.0)


@pytest.mark.parametrize("left", [0, 1])
def test_the_last_request_of_a_bucket_is_kept(left: int) -> None:
    assert after_an_edit(0.0).pause(101, FixedRoom(left, refills_in=3.5)) == pytest.approx(3.5)


def test_even_a_first_edit_leaves_the_last_request_alone() -> None:
    assert Pacer().pause(100, FixedRoom(1, refills_in=3.5)) == pytest.approx(3.5)


def test_a_first_edit_with_room_left_waits_for_nothing() -> None:
    assert Pacer().pause(100, FixedRoom(2, refills_in=3.5)) == 0


def test_a_refilled_bucket_holds_nothing_up() -> None:
    assert after_an_edit(0.0).pause(101, FixedRoom(0, refills_in=0.0)) == 0


def test_a_small_bucket_is_spread_over_its_time() -> None:
    pacer = after_an_edit(0.0)
    room = FixedRoom(4, refills_in=8.0)  # three may be spent: one each two seconds
    assert pacer.pause(100, room) == pytest.approx(2.0)


def test_a_roomy_bucket_does_not_slow_the_pace() -> None:
    assert after_an_edit(0.0).pause(100, FixedRoom(30, refills_in=5.0)) == pytest.approx(1.0)
