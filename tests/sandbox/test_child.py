"""Programs run as the bot is: in a directory, with settings, watched."""

from pathlib import Path

import pytest

from bot.sandbox.bell import Bell
from bot.sandbox.child import Child


def child(directory: Path, program: str, **settings: str) -> Child:
    return Child(directory, settings, arguments=("-c", program))


async def test_a_child_has_its_settings_and_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISCORD_TOKEN", "the operator's own")
    program = "import os; print(os.getcwd()); print(os.environ.get('DISCORD_TOKEN'), os.environ['LOG_LEVEL'])"
    started = child(tmp_path, program, LOG_LEVEL="DEBUG")
    await started.start()
    assert await started.ended() == 0
    assert list(started.output) == [str(tmp_path), "None DEBUG"]


async def test_standard_error_is_kept_line_by_line_and_told_when_it_dies(tmp_path: Path):
    started = child(tmp_path, "import sys; sys.stderr.write('one\\ntwo'); sys.exit(3)")
    await started.start()
    assert await started.ended() == 3
    assert list(started.log) == ["one", "two"]
    assert "status 3" in str(started.died())
    assert "two" in str(started.died())


async def test_a_line_without_end_is_cut_and_does_not_fill_the_memory(tmp_path: Path):
    started = child(tmp_path, "import sys; sys.stderr.write('x' * 1_000_000)")
    await started.start()
    await started.ended()
    assert sum(map(len, started.log)) == 1_000_000
    assert max(map(len, started.log)) < 200_000


async def test_a_child_is_asked_to_stop_and_starts_again_in_the_same_place(tmp_path: Path):
    program = "import signal,sys,pathlib; pathlib.Path('mark').touch(); signal.sigwait([signal.SIGTERM]); sys.exit(0)"
    program = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); " + program
    started = child(tmp_path, program)
    for _ in range(2):
        await started.start()
        while not (tmp_path / "mark").exists():
            await bell_of_patience()
        assert started.running
        assert await started.stop() == 0
        (tmp_path / "mark").unlink()
    assert not started.running


async def test_a_child_that_will_not_stop_is_killed(tmp_path: Path):
    program = (
        "import signal,sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    )
    started = child(tmp_path, program)
    await started.start()
    while not started.output:
        await bell_of_patience()
    with pytest.raises(TimeoutError):
        await started.stop(within_s=0.2)
    assert started.exit_status == -9


async def bell_of_patience() -> None:
    """Let a little time pass for another process; nothing else can tell when it has come so far."""
    with pytest.raises(TimeoutError):
        await Bell().until(lambda: None, deadline_s=0.01, what="nothing")
