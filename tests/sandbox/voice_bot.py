"""A small discord.py bot that sings in voice channels, and songs for it in which every note can be told apart."""

import asyncio
import math
from array import array
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import aiohttp
import av
import discord

import bot.discord_ui.voice.handshake  # noqa: F401 - mends discord.py's reader of UDP sockets, which may never begin
from sandbox.discord.server import DiscordServer
from sandbox.discord.voice.call import Call
from sandbox.discord.voice.dave import DaveGroup
from sandbox.discord.voice.recording import Recording
from sandbox.discord.voice.service import VoiceService
from sandbox.discord.voice.tls import build_client_context
from tests.sandbox.echo_bot import EchoBot

RATE = 48_000
NOTE_S = 0.1


class VoiceBot(EchoBot):
    """An echo bot that trusts the sandbox's certificate and gets voice states."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, voice_states=True)
        super().__init__(intents=intents, connector=aiohttp.TCPConnector(ssl=build_client_context()))

    async def join(self, discord_server: DiscordServer, name: str = "Lounge", **options: Any) -> discord.VoiceClient:
        """Enter a channel, once it is known here that it is in none: news of having left would end a new client."""
        channel = self.get_channel(discord_server.state.guild().channel(name).id)
        assert isinstance(channel, discord.VoiceChannel | discord.StageChannel)
        while channel.guild.me.voice is not None:
            await self.wait_for("voice_state_update", timeout=5)
        return await channel.connect(**{"timeout": 5.0, "reconnect": False, "self_deaf": True, **options})


def get_call(voice: VoiceService) -> Call:
    """The call that the bot is in."""
    call = voice.call()
    assert call is not None
    return call


def get_group(voice: VoiceService) -> DaveGroup:
    """The encrypted group of the call that the bot is in."""
    group = get_call(voice).group
    assert group is not None
    return group


class Playback:
    """A song as it is being played; `over` once discord.py says that it is."""

    def __init__(self, client: discord.VoiceClient, song: "ToneSource") -> None:
        self._over: Future[Exception | None] = Future()
        client.play(song, after=self._over.set_result)  # from the player's thread, perhaps after the loop's end

    async def over(self) -> None:
        """Wait for its end."""
        await asyncio.wait_for(asyncio.wrap_future(self._over), 10)


class ToneSource(discord.AudioSource):
    """Opus packets, played once; what is left of them may be played on by another client."""

    def __init__(self, notes: Sequence[float]) -> None:
        self.packets = encode_tones(notes)

    def read(self) -> bytes:
        return self.packets.pop(0) if self.packets else b""

    def is_opus(self) -> bool:
        return True


def encode_tones(notes: Sequence[float]) -> list[bytes]:
    """Opus packets of 20 ms: a tone of `NOTE_S` for each frequency, 0 for a rest."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "stereo", "s16", 64_000
    encoder.thread_count = 1
    encoder.options = {"frame_duration": "20"}
    count = round(NOTE_S * RATE)
    wave = (round(9000 * math.sin(2 * math.pi * note * n / RATE)) for note in notes for n in range(count))
    samples = array("h", (sample for sample in wave for _ in ("left", "right")))
    frame = av.AudioFrame(format="s16", layout="stereo", samples=count * len(notes))
    frame.sample_rate, frame.pts = RATE, None
    frame.planes[0].update(samples.tobytes())
    return [bytes(packet) for packet in encoder.encode(frame)]


def notes(heard: Recording, known: Sequence[float]) -> list[float]:
    """The notes one after the other, as an ear would tell them: the strongest of the `known` ones in each `NOTE_S`."""
    sound, count = heard.speech.pcm(), round(NOTE_S * RATE)
    middle = [sound[start + count // 4 : start + count * 3 // 4] for start in range(0, len(sound) - count // 2, count)]
    return [max(known, key=lambda note: _strength(part, note)) for part in middle]


def _strength(sound: "array[int]", note: float) -> float:
    """How much of a frequency is in a sound (Goertzel's algorithm)."""
    turn = 2 * math.cos(2 * math.pi * note / RATE)
    before = last = 0.0
    for sample in sound:
        before, last = last, sample + turn * last - before
    return before * before + last * last - turn * before * last
