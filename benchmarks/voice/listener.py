"""The far side: the sandbox's Discord with its voice server, and what is seen of the measured process from outside."""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sandbox.discord.entities import ChannelType, Guild
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.recording import Recording, quantile
from sandbox.discord.voice.tls import write_trusted_authorities

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Process:
    """A process and its children, as the system tells of them."""

    threads: int
    rss_mb: float
    children: int
    children_rss_mb: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run came to. Distances are from each stream's own grid of 20 ms."""

    first_ms: list[float]
    off_grid_ms: list[float]
    stalls: int
    cpu_ms_per_s: float
    idle: Process
    playing: Process
    lost: int

    @property
    def first_median_ms(self) -> float:
        """From the first bytes to the first packet."""
        return median(self.first_ms)

    def off_grid(self, share: float) -> float:
        """The distance that this share of the packets does not exceed."""
        return quantile(self.off_grid_ms, share)


async def run(arrangement: str, servers: int, mp3: Path) -> Measured:
    """Have a process speak in that many servers, and listen."""
    state = DiscordState()
    guilds = [state.add_guild(f"Server {number}") for number in range(servers)]
    for guild in guilds:
        state.add_channel(guild, "Lounge", kind=ChannelType.VOICE)
    async with DiscordServer(state, voice=True) as discord_server:
        with tempfile.TemporaryDirectory() as folder:
            trust = Path(folder, "trust.pem")
            write_trusted_authorities(trust)
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.voice.bot", arrangement),
                *(discord_server.base_url, discord_server.gateway.url, discord_server.token, str(mp3)),
                cwd=CHECKOUT,
                env={**os.environ, "SSL_CERT_FILE": str(trust), "PYTHONWARNINGS": "ignore"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert bot.stdin is not None
            assert bot.stdout is not None
            if (said := await bot.stdout.readline()) != b"ready\n":
                raise RuntimeError(f"not ready: {said!r}")
            await asyncio.sleep(1)  # let what connecting has left behind settle
            idle = looked_at(bot.pid)
            bot.stdin.write(b"go\n")
            await asyncio.sleep(12)
            playing = looked_at(bot.pid)
            result = json.loads(await bot.stdout.readline())
            await bot.wait()
        heard = {guild.id: discord_server.voice.recording(guild) for guild in guilds}
    return _measured(guilds, heard, result, idle, playing)


def _measured(
    guilds: list[Guild], heard: dict[int, Recording], result: dict[str, Any], idle: Process, playing: Process
) -> Measured:
    seconds = sum(each.speech.seconds for each in heard.values())
    return Measured(
        [(heard[guild.id].packets[0].arrived_ns - result["began"][str(guild.id)]) / 1_000_000 for guild in guilds],
        sorted(distance for each in heard.values() for distance in each.off_grid_ms()),
        sum(_stalls(each) for each in heard.values()),
        result["cpu_s"] * 1000 / seconds,
        idle,
        playing,
        sum(each.lost for each in heard.values()),
    )


def _stalls(heard: Recording) -> int:
    """Count the pauses that were not meant, leaving out those where this side lost what came."""
    pairs = [(heard.packets[gap.after], heard.packets[gap.after + 1]) for gap in heard.gaps()]
    return sum((after.sequence - before.sequence) % (1 << 16) == 1 for before, after in pairs)


def looked_at(pid: int) -> Process:
    """Look at a process (on Linux)."""
    own, children = _status(pid), [_status(child) for child in _children(pid)]
    return Process(
        own.get("Threads", 0),
        own.get("VmRSS", 0) / 1024,
        len(children),
        sum(c.get("VmRSS", 0) for c in children) / 1024,
    )


def _status(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = (line.replace(":", "").split()[:2] for line in lines)
    return {field[0]: int(field[1]) for field in fields if len(field) == 2 and field[1].isdecimal()}


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
