"""What the roster costs each event: claiming it before the acknowledgement, noting its messages, striking it off.

Run: python -m benchmarks.roster
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from bot.clock import SystemClock
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.store.inflight import Phase
from bot.store.open import open_database

ROUNDS = 2_000


async def measure(folder: str) -> None:
    """Print the medians, in milliseconds of wall and of CPU time (all threads)."""
    path = Path(folder, "bot.db")
    times: dict[str, list[tuple[float, float]]] = {"claim": [], "duplicate": [], "note": [], "strike off": []}

    async with open_database(f"sqlite:///{path}") as database:
        with holding(path, "benchmark") as lifeline:
            roster = InFlightRegistry(database, SystemClock(), process="benchmark", lifeline=lifeline, bury=_nobody)
            for event in range(ROUNDS):
                start = time.perf_counter(), time.process_time()
                entry = await roster.admit(event, application_id=1, token="t" * 64, channel_id=2, member_id=3)
                assert entry is not None
                claimed = _since(start, times["claim"])
                await roster.admit(event, application_id=1, token="t" * 64, channel_id=2, member_id=3)
                passed_over = _since(claimed, times["duplicate"])
                entry.show(Phase.WORDS, (event + 1,))
                await entry.written()
                noted = _since(passed_over, times["note"])
                await roster.finish(event)
                _since(noted, times["strike off"])
    for name, column in times.items():
        wall, cpu = (statistics.median(each) * 1_000 for each in zip(*column, strict=True))
        print(f"{name}: median {wall:.2f} ms, CPU {cpu:.2f} ms")


def _since(start: tuple[float, float], times: list[tuple[float, float]]) -> tuple[float, float]:
    now = time.perf_counter(), time.process_time()
    times.append((now[0] - start[0], now[1] - start[1]))
    return now


async def _nobody(_: str) -> None:
    """Nothing is buried here."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(folder))
