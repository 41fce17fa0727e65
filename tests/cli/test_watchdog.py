"""A process that stands still, or that a thread holds up at its end, ends all the same."""

import faulthandler
from pathlib import Path

import pytest

from bot.cli.watchdog import CLOSING_S, MAX_STALL_S, Watchdog
from sandbox.bot_process import BotProcess
from tests.support.clock import FakeClock

HANGING = """
import asyncio, re
from bot.clock import SystemClock
from bot.cli.watchdog import Watchdog

async def main():
    async with Watchdog(SystemClock(), max_stall_s=0.5).running():
        await asyncio.sleep(0)
        re.match("(a+)+$", "a" * 60 + "b")

asyncio.run(main())
"""

THREAD = """
import asyncio, sys, threading
from bot.cli.watchdog import exit_despite_threads

async def main():
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    exit_despite_threads(int(sys.argv[1]))

asyncio.run(main())
"""


async def _ended(directory: Path, program: str, *words: str) -> BotProcess:
    child = BotProcess(directory, {}, arguments=("-c", program, *words))
    await child.start()
    await child.wait()
    return child


async def test_a_hanging_regular_expression_ends_the_process_with_a_stack_and_status_1(tmp_path: Path) -> None:
    child = await _ended(tmp_path, HANGING)
    assert child.exit_status == 1
    assert child.log[0].startswith("Timeout")
    assert any("in match" in line for line in child.log)


@pytest.mark.parametrize("status", [0, 2])
async def test_a_thread_that_never_ends_does_not_hold_up_the_end_nor_change_its_status(
    tmp_path: Path, status: int
) -> None:
    assert (await _ended(tmp_path, THREAD, str(status))).exit_status == status


async def test_the_watchdog_is_armed_anew_each_second_until_the_process_is_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    armed: list[float] = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda seconds, **_: armed.append(seconds))
    clock = FakeClock()
    watchdog = Watchdog(clock)
    async with watchdog.running():
        await clock.advance(3)
        assert armed == [MAX_STALL_S] * 4
        watchdog.exit_within(12)
        await clock.advance(10)
        assert armed == [*[MAX_STALL_S] * 4, 12]
    assert armed[-1] == CLOSING_S
