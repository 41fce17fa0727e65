"""SIGINT and SIGTERM at any moment: the program ends with status 0 where it serves, and never with a traceback."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.cli.process import INTERRUPTED
from sandbox.bot_process import CHECKOUT, BotProcess
from sandbox.sandbox import Sandbox
from tests.support.cli_harness import CliHarness
from tests.support.e2e import DEADLINE_S

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def stuck_at(module: str, directory: Path) -> str:
    """A PYTHONPATH on which importing `module` says so and goes no further."""
    directory.mkdir()
    (directory / f"{module}.py").write_text(
        "import sys, threading\nsys.stderr.write('here\\n'); sys.stderr.flush()\nthreading.Event().wait()\n"
    )
    return f"{directory}:{CHECKOUT}"


async def ended_by(child: BotProcess, *numbers: int) -> int:
    assert child.pid is not None
    for number in numbers:
        os.kill(child.pid, number)
    return await asyncio.wait_for(child.wait(), DEADLINE_S)


@BOTH
@pytest.mark.parametrize("module", ["argparse", "pydantic", "asyncio", "aiohttp", "discord", "aiosqlite"])
async def test_a_signal_while_the_program_is_still_being_read_ends_it(
    harness: CliHarness, tmp_path: Path, module: str, number: int
) -> None:
    stuck = stuck_at(module, tmp_path / "stuck")
    child = BotProcess(tmp_path, {**harness.settings, "PYTHONPATH": stuck})
    await child.start()
    await child.until_logged("here", deadline_s=DEADLINE_S)
    assert await ended_by(child, number) == 0
    assert list(child.log) == ["here"]


def test_signals_are_handled_before_anything_else_of_the_bot_is_loaded() -> None:
    code = (
        "import sys, bot.cli.process; sys.exit(bool({'bot.errors', 'bot.messages', 'dataclasses'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@BOTH
@pytest.mark.parametrize("words", [("check",), ("invite",), ("health",), ("sandbox", "--tour")], ids="-".join)
async def test_a_signal_breaks_a_command_off_without_a_traceback(
    harness: CliHarness, tmp_path: Path, words: tuple[str, ...], number: int
) -> None:
    stuck = stuck_at("argparse", tmp_path / "stuck")
    child = BotProcess(tmp_path, {**harness.settings, "PYTHONPATH": stuck}, arguments=("-m", "bot", *words))
    await child.start()
    await child.until_logged("here", deadline_s=DEADLINE_S)
    assert await ended_by(child, number) == INTERRUPTED
    assert list(child.log) == ["here"]


@BOTH
async def test_a_signal_breaks_a_tour_off_that_has_begun(tmp_path: Path, number: int) -> None:
    child = BotProcess(tmp_path, {}, arguments=("-m", "bot", "sandbox", "--tour"))
    await child.start()
    await child.changed.until(lambda: bool(child.output), deadline_s=DEADLINE_S, what="its first line")
    assert await ended_by(child, number) == INTERRUPTED
    assert not child.log


@BOTH
async def test_a_signal_breaks_a_check_off_that_waits_for_an_answer(tmp_path: Path, number: int) -> None:
    asked = asyncio.Event()

    async def keep_waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(keep_waiting, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = {"DISCORD_TOKEN": "t", "DISCORD_API_BASE_URL": f"{base}/v10", "MULTIAPPAI_API_KEY": "k"}
        child = BotProcess(tmp_path, {**settings, "MULTIAPPAI_BASE_URL": base}, arguments=("-m", "bot", "check"))
        await child.start()
        await asyncio.wait_for(asked.wait(), DEADLINE_S)
        assert await ended_by(child, number) == INTERRUPTED
    assert list(child.log) == []


async def test_signals_over_and_over_until_the_end_leave_status_0_and_no_traceback() -> None:
    async with Sandbox() as sandbox:
        child = sandbox.bot_process
        pid = child.pid
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        while (pid := child.pid) is not None:
            with suppress(ProcessLookupError):  # ended, and not yet noticed
                os.kill(pid, signal.SIGINT)
                os.kill(pid, signal.SIGTERM)
            await asyncio.sleep(0)
        assert await child.wait() == 0
        assert not any("Traceback" in line or "Error" in line for line in child.log)


async def test_a_system_like_windows_runs_it_and_a_signal_ends_it(harness: CliHarness, tmp_path: Path) -> None:
    """No signal handlers of the loop's, no POSIX modules, no users with numbers. Not a real Windows."""
    (tmp_path / "sitecustomize.py").write_text(
        "import asyncio.unix_events, os, sys\n"
        "def refuse(self, *_): raise NotImplementedError\n"
        "asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = refuse\n"
        "for name in ('fcntl', 'resource', 'termios', 'pwd', 'grp'): sys.modules[name] = None\n"
        "for name in ('geteuid', 'getuid', 'statvfs', 'pwrite', 'fork'): delattr(os, name)\n"
    )
    child = BotProcess(tmp_path, {**harness.settings, "PYTHONPATH": f"{tmp_path}:{CHECKOUT}"})
    await child.start()
    await child.until_logged("ready", deadline_s=DEADLINE_S)
    assert await ended_by(child, signal.SIGTERM) == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="a process 1 takes root to make")
@BOTH
async def test_process_1_of_a_container_ends_on_a_signal(harness: CliHarness, tmp_path: Path, number: int) -> None:
    stuck = stuck_at("aiohttp", tmp_path / "stuck")
    program = (
        "import os, subprocess, sys\n"
        "sys.exit(subprocess.call(['unshare', '--pid', '--fork', '--kill-child', sys.executable, '-m', 'bot']))\n"
    )
    child = BotProcess(tmp_path, {**harness.settings, "PYTHONPATH": stuck}, arguments=("-c", program))
    await child.start()
    await child.until_logged("here", deadline_s=DEADLINE_S)
    assert child.pid is not None
    os.kill(_descendant(child.pid, 2), number)
    assert await asyncio.wait_for(child.wait(), DEADLINE_S) == 0
    assert list(child.log) == ["here"]


def _descendant(pid: int, generations: int) -> int:
    for _ in range(generations):
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return pid
