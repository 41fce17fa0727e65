"""Compare the bot's voice with discord.py's `FFmpegOpusAudio` and `FFmpegPCMAudio`, in one run, on Linux.

Needs the ffmpeg binary and the system's libopus for the comparison alone: `apt-get update && apt-get install ffmpeg
libopus0`; and the packages of requirements-dev.txt. Takes about 45 s for each line of the tables.

Run: python -m benchmarks.voice [--servers 1 10 50] [--arriving 1 10]
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.voice.clip import clip
from benchmarks.voice.listener import Measured, run

KINDS = {"ours": "this bot", "ffmpeg-opus": "FFmpegOpusAudio", "ffmpeg-pcm": "FFmpegPCMAudio"}
HEAD = (
    "| servers | | first packet: median / max, ms | off the grid: p95 / p99 / max, ms | stalls over 60 ms "
    "| CPU, ms per s of sound | threads: idle, playing | RSS, MB | children: number, RSS in MB |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def row(servers: int, kind: str, it: Measured) -> str:
    """Write a line of the table."""
    cells = (
        str(servers),
        KINDS[kind],
        f"{it.first_median_ms:.0f} / {max(it.first_ms):.0f}",
        f"{it.off_grid(0.95):.1f} / {it.off_grid(0.99):.1f} / {it.off_grid(1):.0f}",
        str(it.stalls),
        f"{it.cpu_ms_per_s:.1f}",
        f"{it.idle.threads}, {it.playing.threads}",
        f"{it.playing.rss_mb:.0f}",
        f"{it.playing.children}, {it.playing.children_rss_mb:.0f}" if it.playing.children else "0",
    )
    if it.lost:
        print(f"{it.lost} packets came faster than the listener took them", file=sys.stderr)
    return f"| {' | '.join(cells)} |"


async def measure(mp3: Path, servers: list[int], arriving: list[int]) -> None:
    """Print both tables."""
    machine = f"{os.cpu_count()} cores, {platform.system()} on {platform.machine()}, Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("discord.py", "av", "PyNaCl", "davey", "aiohttp"))
    print(f"{machine}; {packages}\n\nThe whole MP3 is there:\n\n{HEAD}")
    for number in servers:
        for kind in KINDS:
            print(row(number, kind, await run(kind, number, mp3)), flush=True)
    print(f"\nIt arrives twice as fast as it is spoken:\n\n{HEAD}")
    for number in arriving:
        for kind in KINDS:
            print(row(number, kind, await run(f"{kind}-arriving", number, mp3)), flush=True)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.voice")
    parser.add_argument("--servers", type=int, nargs="*", default=[1, 10, 50])
    parser.add_argument("--arriving", type=int, nargs="*", default=[1, 10])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mp3 = Path(folder, "clip.mp3")
        mp3.write_bytes(clip())
        asyncio.run(measure(mp3, chosen.servers, chosen.arriving))


if __name__ == "__main__":
    main()
