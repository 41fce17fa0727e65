"""What the in-flight registry costs each event: registering it, recording its messages, deleting it.

Run: python -m benchmarks.inflight
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from bot.clock import SystemClock
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.process_lease import ProcessLease
from bot.store.inflight import Phase
from bot.store.open import open_database

ROUNDS = 2_000


async def measure(folder: str) -> None:
    """Print the medians, in milliseconds of wall and of CPU time (all threads)."""
    path = Path(folder, "bot.db")
    times: dict[str, list[tuple[float, float]]] = {"register": [], "duplicate": [], "record": [], "finish": []}

    async with open_database(f"sqlite:///{path}") as database:
        with holding(path, "benchmark") as process_lock:
            clock = SystemClock()
            lease = ProcessLease(database, clock, process_lock)
            registry = InFlightRegistry(database, clock, lease=lease, free_reservations=_ignore)
            for event in range(ROUNDS):
                start = time.perf_counter(), time.process_time()
                request = await registry.register(event, application_id=1, token="t" * 64, channel_id=2, member_id=3)
                assert request is not None
                registered = _since(start, times["register"])
                await registry.register(event, application_id=1, token="t" * 64, channel_id=2, member_id=3)
                declined = _since(registered, times["duplicate"])
                request.set_phase(Phase.TEXT, (event + 1,))
                await request.wait_recorded()
                recorded = _since(declined, times["record"])
                await registry.finish(event)
                _since(recorded, times["finish"])
    for name, column in times.items():
        wall, cpu = (statistics.median(each) * 1_000 for each in zip(*column, strict=True))
        print(f"{name}: median {wall:.2f} ms, CPU {cpu:.2f} ms")


def _since(start: tuple[float, float], times: list[tuple[float, float]]) -> tuple[float, float]:
    now = time.perf_counter(), time.process_time()
    times.append((now[0] - start[0], now[1] - start[1]))
    return now


async def _ignore(_: str) -> None:
    """Do nothing: no other process dies."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(folder))
