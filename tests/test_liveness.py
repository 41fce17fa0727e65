"""The file that tells whether a process lives, whatever ended it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.liveness import STALE_AFTER_S, holding, list_pulses

HOLD_UNTIL_KILLED = """
import pathlib, sys, time
from bot.liveness import holding
with holding(pathlib.Path(sys.argv[1]), "other") as lifeline:
    lifeline.write_pulse(connected=True)
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_process_is_alive_while_it_holds_its_file(path: Path) -> None:
    with holding(path, "mine") as mine:
        with holding(path, "other"):
            assert mine.is_alive("other") is True
        assert mine.is_alive("other") is None
        assert mine.is_alive("mine") is True
    assert list(path.parent.iterdir()) == []


def test_a_killed_process_is_known_to_be_dead_at_once(path: Path) -> None:
    command = [sys.executable, "-c", HOLD_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other, holding(path, "mine") as mine:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert mine.is_alive("other") is True
        os.kill(other.pid, signal.SIGSTOP)
        assert mine.is_alive("other") is True
        other.kill()
        other.wait()
        assert mine.is_alive("other") is False
        assert list_pulses(path) == []
        mine.remove_lock("other")
        assert mine.is_alive("other") is None


def test_a_living_process_tells_how_it_is(path: Path) -> None:
    with holding(path, "mine") as mine:
        mine.write_pulse(connected=False)
        mine.write_pulse(connected=True)
        (pulse,) = list_pulses(path)
    assert pulse.connected
    assert abs(pulse.at - SystemClock().monotonic()) < 60


def test_a_process_with_a_new_name_is_alive_under_that_alone_with_its_pulse(path: Path) -> None:
    with holding(path, "mine") as mine, holding(path, "other") as other:
        mine.write_pulse(connected=True)
        mine.rename("new")
        assert (other.is_alive("mine"), other.is_alive("new")) == (None, True)
        assert [pulse.connected for pulse in list_pulses(path)] == [True]
        mine.write_pulse(connected=False)
        assert [pulse.connected for pulse in list_pulses(path)] == [False]
    assert list(path.parent.iterdir()) == []


def test_after_its_end_it_writes_into_no_file_that_is_opened_since(path: Path, tmp_path: Path) -> None:
    with holding(path, "one") as one:
        one.write_pulse(connected=True)
    other = tmp_path / "other"
    descriptors = [os.open(other, os.O_RDWR | os.O_CREAT) for _ in range(3)]
    try:
        one.write_pulse(connected=False)
    finally:
        for each in descriptors:
            os.close(each)
    assert other.read_bytes() == b""


def test_without_a_place_for_the_file_nothing_is_known(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with holding(tmp_path / "missing" / "bot.db", "mine") as mine:
        mine.write_pulse(connected=True)
        assert mine.is_alive("other") is None
    assert "lock file not locked" in caplog.text


def test_what_dead_processes_left_long_ago_is_cleared_away(path: Path) -> None:
    old, new = (path.with_name(f"bot.db-alive-{name}") for name in ("old", "new"))
    for file in (old, new):
        file.touch()
    with holding(path, "living"):
        long_ago = time.time() - STALE_AFTER_S - 1
        for file in (old, path.with_name("bot.db-alive-living")):
            os.utime(file, (long_ago, long_ago))
        with holding(path, "mine") as mine:
            assert mine.is_alive("living") is True
            assert mine.is_alive("new") is False
            assert not old.exists()
