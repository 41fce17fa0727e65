"""What one /ask costs in the ledger: reserve, grow by a block and settle, one after another.

Run: python -m benchmarks.ledger
"""

import asyncio
import statistics
import tempfile
import time

from bot.clock import SystemClock
from bot.context import RequestContext
from bot.quotas.ledger import Ledger
from bot.quotas.resolver import OperatorLimits, UsageKeys, derive_key
from bot.store.open import open_database
from bot.store.quota_limits import Kind
from tests.support.quotas import FakeProcess

ROUNDS = 2_000

CEILINGS = OperatorLimits(
    member_messages=1_000_000,
    member_speech_characters=10_000,
    member_images=10,
    server_messages=None,
    server_tokens=10**12,
    server_speech_characters=100_000,
    server_images=100,
)
REQUESTER = RequestContext(user_id=1, name="someone", guild_id=2, channel_id=3, settings_channel_id=3, asked_at_ms=0)


async def measure(folder: str) -> None:
    """Print the medians, in milliseconds of wall and of CPU time (all threads)."""
    reserving: list[tuple[float, float]] = []
    growing: list[tuple[float, float]] = []
    settling: list[tuple[float, float]] = []
    async with open_database(f"sqlite:///{folder}/bot.db") as database:
        ledger = Ledger(
            database, CEILINGS, UsageKeys(derive_key("a token")), SystemClock(), process=FakeProcess("benchmark")
        )
        for _ in range(ROUNDS):
            start = time.perf_counter(), time.process_time()
            reservation = await ledger.reserve(REQUESTER, {Kind.MESSAGES: 1, Kind.TOKENS: 900})
            reserved = time.perf_counter(), time.process_time()
            await ledger.token_budget(reservation, Kind.TOKENS).ensure(901)
            grown = time.perf_counter(), time.process_time()
            await ledger.settle(reservation, {Kind.MESSAGES: 1, Kind.TOKENS: 412})
            settled = time.perf_counter(), time.process_time()
            reserving.append((reserved[0] - start[0], reserved[1] - start[1]))
            growing.append((grown[0] - reserved[0], grown[1] - reserved[1]))
            settling.append((settled[0] - grown[0], settled[1] - grown[1]))
    for name, times in (("reserve", reserving), ("grow", growing), ("settle", settling)):
        wall, cpu = (statistics.median(column) * 1_000 for column in zip(*times, strict=True))
        print(f"{name}: median {wall:.2f} ms, CPU {cpu:.2f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(folder))
