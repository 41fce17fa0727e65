"""A world with the usual people, served; and a bot that runs in it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from tests.sandbox.echo_bot import EchoBot, running
from tests.sandbox.voice_bot import VoiceBot


@pytest.fixture
async def discord_server() -> AsyncIterator[DiscordServer]:
    state = DiscordState()
    state.populate()
    async with DiscordServer(state) as served:
        yield served


@pytest.fixture
async def echo_bot(discord_server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EchoBot]:
    bot = EchoBot()
    async with running(bot, discord_server, monkeypatch):
        yield bot


@pytest.fixture
async def voice_bot(discord_server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VoiceBot]:
    bot = VoiceBot()
    async with running(bot, discord_server, monkeypatch):
        yield bot


@pytest.fixture
def ada(discord_server: DiscordServer) -> ClientUser:
    return ClientUser(discord_server, discord_server.state.user("Ada"), discord_server.state.guild())


@pytest.fixture
def ben(discord_server: DiscordServer) -> ClientUser:
    return ClientUser(discord_server, discord_server.state.user("Ben"), discord_server.state.guild())


@pytest.fixture
def mo(discord_server: DiscordServer) -> ClientUser:
    return ClientUser(discord_server, discord_server.state.user("Mo"), discord_server.state.guild())


@pytest.fixture
async def http(discord_server: DiscordServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A bare client with the bot's token, for what discord.py would never send. Paths are under the API's base."""
    headers = {"Authorization": f"Bot {discord_server.token}"}
    async with aiohttp.ClientSession(discord_server.base_url + "/", headers=headers) as session:
        yield session
