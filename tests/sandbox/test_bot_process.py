"""Programs run as the bot is: in a directory, with settings, watched."""

from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess


def child(directory: Path, program: str, **settings: str) -> BotProcess:
    return BotProcess(directory, settings, arguments=("-c", program))


async def test_a_child_has_its_settings_and_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "the operator's own")
    program = "import os; print(os.getcwd()); print(os.environ.get('DISCORD_TOKEN'), os.environ['LOG_LEVEL'])"
    started = child(tmp_path, program, LOG_LEVEL="DEBUG")
    await started.start()
    assert await started.wait() == 0
    assert list(started.output) == [str(tmp_path), "None DEBUG"]


async def test_standard_error_is_kept_line_by_line_and_told_when_it_dies(tmp_path: Path) -> None:
    started = child(tmp_path, "import sys; sys.stderr.write('one\\ntwo'); sys.exit(3)")
    await started.start()
    assert await started.wait() == 3
    assert list(started.log) == ["one", "two"]
    assert "status 3" in str(started.exit_error())
    assert "two" in str(started.exit_error())


async def test_a_line_without_end_is_cut_and_does_not_fill_the_memory(tmp_path: Path) -> None:
    started = child(tmp_path, "import sys; sys.stderr.write('x' * 1_000_000)")
    await started.start()
    await started.wait()
    assert sum(map(len, started.log)) == 1_000_000
    assert max(map(len, started.log)) < 200_000


async def test_a_child_is_asked_to_stop_and_starts_again_in_the_same_place(tmp_path: Path) -> None:
    started = child(tmp_path, f"{WAITING}; say(len(list(pathlib.Path().iterdir()))); signal.sigwait([signal.SIGTERM])")
    for start in range(2):
        (tmp_path / f"made before start {start}").touch()
        await started.start()
        await started.until_logged(f"{start + 1}")
        assert started.running
        assert await started.stop() == 0
    assert not started.running


async def test_a_child_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    started = child(tmp_path, f"{WAITING}; say('deaf'); signal.pause()")
    await started.start()
    await started.until_logged("deaf")
    with pytest.raises(TimeoutError):
        await started.stop(within_s=0.1)
    assert started.exit_status == -9


async def test_a_line_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    started = child(tmp_path, "pass")
    await started.start()
    await started.wait()
    with pytest.raises(TimeoutError, match="'hello'"):
        await started.until_logged("hello", deadline_s=0.01)


WAITING = (
    "import pathlib, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); "
    "say = lambda what: print(what, file=sys.stderr, flush=True)"
)
