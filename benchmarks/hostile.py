"""What one member's hostile input costs the others: acknowledgements, memory, the end after SIGTERM.

Run: python -m benchmarks.hostile [--rounds 3]

At the same time one member sends picture bombs (WebPs of some KB, of 50 million pixels and of 9), asks for
a table of 4,000 rows and for 60,000 brackets, each of which the model sends in one chunk, and has lines read aloud that
once hung the bot.
Meanwhile another member uses /help and /ask in another channel. Exit status 1 where a bound is not kept.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, all_of, wait_until_final
from tests.support.hostile import attack, script_answers

GRACE_S = 7.0

MOST_RATIO = 3.0
MOST_ACKNOWLEDGED_S = 1.5
MOST_GROWTH_MIB = 300.0
MOST_ENDING_S = GRACE_S + 1.0
SAMPLE_EVERY_S = 0.02


@dataclass
class Round:
    """Figures of one bot process, in seconds and MiB."""

    idle: list[float]
    attacked: list[float]
    growth_mib: float
    ending_s: float
    status: int

    @property
    def ratio(self) -> float:
        """Return the median acknowledgement under attack as a multiple of that of the idle bot."""
        return statistics.median(self.attacked) / statistics.median(self.idle)

    @property
    def kept(self) -> bool:
        """Return whether all bounds were kept."""
        return (
            self.ratio <= MOST_RATIO
            and max(self.attacked) <= MOST_ACKNOWLEDGED_S
            and self.growth_mib < MOST_GROWTH_MIB
            and self.ending_s <= MOST_ENDING_S
            and self.status == 0
        )

    def __str__(self) -> str:
        return (
            f"idle {1000 * statistics.median(self.idle):.0f} ms (most {1000 * max(self.idle):.0f}); "
            f"attacked {1000 * statistics.median(self.attacked):.0f} ms (most {1000 * max(self.attacked):.0f}, "
            f"{len(self.attacked)} commands), {self.ratio:.1f} x; memory +{self.growth_mib:.0f} MiB; "
            f"ended {self.ending_s:.1f} s after SIGTERM with status {self.status}"
        )


class Memory:
    """Samples the resident memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.base_mib = self.most_mib = _tree_mib(pid)

    async def watch(self) -> None:
        """Sample until cancelled."""
        while True:
            self.most_mib = max(self.most_mib, _tree_mib(self._pid))
            await asyncio.sleep(SAMPLE_EVERY_S)


def _tree_mib(pid: int) -> float:
    """Return the resident memory of a process and all below it, in MiB; 0 once it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(_tree_mib(int(child)) for child in children)


async def measure() -> Round:
    """Start a bot, use it idle and under attack, stop it during a second attack."""
    env = {**ANY_NUMBER, "QUOTA_MEMBER_MESSAGES_PER_DAY": "unlimited", "SHUTDOWN_GRACE_SECONDS": f"{GRACE_S:g}"}
    async with Sandbox(env) as sandbox:
        script_answers(sandbox.openai)
        attacker, other = sandbox.user("Ada"), sandbox.user("Ben")
        await _uses(other, 3)  # what only the first use costs
        idle = await _uses(other, 20)
        assert sandbox.bot_process.pid is not None
        memory = Memory(sandbox.bot_process.pid)
        watching = asyncio.create_task(memory.watch())
        attacking = asyncio.create_task(_finished(await attack(attacker)))
        attacked: list[float] = []
        while not attacking.done() or len(attacked) < 20:
            attacked += await _uses(other, 1)
        await attacking
        watching.cancel()
        await attack(attacker)
        began = time.monotonic()
        status = await sandbox.bot_process.stop()
        return Round(idle, attacked, memory.most_mib - memory.base_mib, time.monotonic() - began, status)


async def _uses(person: ClientUser, times: int) -> list[float]:
    """Use /help and /ask one after the other; the seconds until each was acknowledged."""
    seconds = []
    for _ in range(times):
        for name, options in (("/help", {}), ("/ask", {"prompt": "Hello"})):
            used = await person.command(name, options, channel="random")
            seconds.append(await used.until_acknowledged())
            await wait_until_final(used)
    return seconds


async def _finished(used: list[InteractionResult]) -> None:
    await all_of(wait_until_final(each) for each in used)


async def main(rounds: int) -> int:
    """Measure several processes one after the other; return the exit status."""
    measured = [await measure() for _ in range(rounds)]
    for each in measured:
        print(("kept    " if each.kept else "NOT KEPT"), each)
    return 0 if sorted(each.kept for each in measured)[rounds // 2] else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile")
    parser.add_argument("--rounds", type=int, default=3)
    sys.exit(asyncio.run(main(parser.parse_args().rounds)))
