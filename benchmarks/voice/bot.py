"""The measured process: a discord.py client that is in many voice channels and says the same in all of them.

Says `ready` when it is connected everywhere, begins at a line on its standard input, and ends with a line of JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import discord
from discord.gateway import DiscordWebSocket
from yarl import URL

from benchmarks.voice.clip import BYTES_PER_S
from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import WorkerPool
from bot.clock import SystemClock
from bot.discord_ui.voice.connection import PacketSource, VoiceConnection, open_voice_connection

PIECE_S = 0.05  # how often something arrives, where it arrives bit by bit
TIMES_AS_FAST = 2

Play = Callable[[discord.VoiceClient, Path], Awaitable[int]]
"""Begins to play; returns when the first bytes were there, in nanoseconds since 1970."""


class Bot(discord.AutoShardedClient):
    """Connects, plays once everywhere, and is done."""

    def __init__(self, arrangement: str, mp3: Path) -> None:
        super().__init__(intents=discord.Intents(guilds=True, voice_states=True), guild_ready_timeout=0.05)
        self.arrangement = arrangement
        self.mp3 = mp3
        self.pool = WorkerPool()

    async def measure(self) -> dict[str, object]:
        """Play everywhere at once, and tell when each began and what it cost."""
        await self.wait_until_ready()
        links = [await self._join(guild.voice_channels[0]) for guild in self.guilds]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        before = os.times()
        overs = [Future[object]() for _ in links]
        began = await asyncio.gather(*(self._play(link, over) for link, over in zip(links, overs, strict=True)))
        await asyncio.gather(*(asyncio.wrap_future(over) for over in overs))
        await asyncio.sleep(0.5)  # discord.py ends its children after it has said that it is over
        after = os.times()
        guilds = [link.guild.id for link in links]
        return {"began": dict(zip(guilds, began, strict=True)), "cpu_s": sum(after[:4]) - sum(before[:4])}

    async def _join(self, channel: discord.VoiceChannel) -> discord.VoiceClient:
        if self.arrangement.startswith("ours"):
            return await open_voice_connection(channel)
        return await channel.connect(timeout=10, reconnect=False, self_deaf=True)

    async def _play(self, link: discord.VoiceClient, over: Future[object]) -> int:
        began: int = await getattr(self, f"_{self.arrangement.replace('-', '_')}")(link, over.set_result)
        return began

    # ------------------------------------------------------------------ the whole MP3 is there

    async def _ours(self, link: VoiceConnection, after: Callable[[object], None]) -> int:
        stream = OpusStream(self.pool)
        clip, began = Clip(), time.time_ns()
        stream.append(clip)
        clip.feed(self.mp3.read_bytes())
        clip.end()
        stream.close()
        await clip.ready()
        link.play(PacketSource(stream, SystemClock()), after=after)
        return began

    async def _ffmpeg_opus(self, link: discord.VoiceClient, after: Callable[[object], None]) -> int:
        began = time.time_ns()
        link.play(discord.FFmpegOpusAudio(str(self.mp3)), after=after)
        return began

    async def _ffmpeg_pcm(self, link: discord.VoiceClient, after: Callable[[object], None]) -> int:
        began = time.time_ns()
        link.play(discord.FFmpegPCMAudio(str(self.mp3)), after=after)
        return began

    # ------------------------------------------------------------------ it arrives bit by bit

    async def _ours_arriving(self, link: VoiceConnection, after: Callable[[object], None]) -> int:
        stream = OpusStream(self.pool)
        clip, began = Clip(), time.time_ns()
        stream.append(clip)
        stream.close()
        arriving = asyncio.create_task(self._arrive(clip.feed, clip.end))
        await clip.ready()
        link.play(PacketSource(stream, SystemClock()), after=after)
        await arriving
        return began

    async def _ffmpeg_opus_arriving(self, link: discord.VoiceClient, after: Callable[[object], None]) -> int:
        return await self._piped(discord.FFmpegOpusAudio, link, after)

    async def _ffmpeg_pcm_arriving(self, link: discord.VoiceClient, after: Callable[[object], None]) -> int:
        return await self._piped(discord.FFmpegPCMAudio, link, after)

    async def _piped(
        self,
        kind: type[discord.FFmpegOpusAudio | discord.FFmpegPCMAudio],
        link: discord.VoiceClient,
        after: Callable[[object], None],
    ) -> int:
        read, write = os.pipe()
        began = time.time_ns()
        arriving = asyncio.create_task(self._arrive(lambda data: os.write(write, data), lambda: os.close(write)))
        # Unbuffered, so that discord.py passes on each piece as soon as it is there.
        source: Any = os.fdopen(read, "rb", buffering=0)
        link.play(kind(source, pipe=True), after=after)
        await arriving
        return began

    async def _arrive(self, feed: Callable[[bytes], object], end: Callable[[], object]) -> None:
        data, size = self.mp3.read_bytes(), round(BYTES_PER_S * TIMES_AS_FAST * PIECE_S)
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, at in enumerate(range(0, len(data), size)):
            await asyncio.sleep(max(0.0, start + number * PIECE_S - loop.time()))
            feed(data[at : at + size])
        end()


async def main(arrangement: str, base_url: str, gateway: str, token: str, mp3: str) -> None:
    """Connect, measure, leave."""
    discord.http.Route.BASE = base_url
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway)
    async with Bot(arrangement, Path(mp3)) as bot:
        await bot.login(token)
        running = asyncio.create_task(bot.connect())
        measured = await bot.measure()
        print(json.dumps(measured), flush=True)
        bot.pool.close()
        for link in bot.voice_clients:
            await link.disconnect(force=True)
        await bot.close()
        await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
