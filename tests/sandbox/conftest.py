"""A world with the usual people, served; and a bot that runs in it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.user import Person
from sandbox.discord.server import DiscordStandIn
from sandbox.discord.state import World
from tests.sandbox.echo_bot import Parrot, running
from tests.sandbox.voice_bot import Singer


@pytest.fixture
async def standin() -> AsyncIterator[DiscordStandIn]:
    world = World()
    world.populate()
    async with DiscordStandIn(world) as served:
        yield served


@pytest.fixture
async def parrot(standin: DiscordStandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parrot]:
    bot = Parrot()
    async with running(bot, standin, monkeypatch):
        yield bot


@pytest.fixture
async def singer(standin: DiscordStandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Singer]:
    bot = Singer()
    async with running(bot, standin, monkeypatch):
        yield bot


@pytest.fixture
def ada(standin: DiscordStandIn) -> Person:
    return Person(standin, standin.world.user("Ada"), standin.world.guild())


@pytest.fixture
def ben(standin: DiscordStandIn) -> Person:
    return Person(standin, standin.world.user("Ben"), standin.world.guild())


@pytest.fixture
def mo(standin: DiscordStandIn) -> Person:
    return Person(standin, standin.world.user("Mo"), standin.world.guild())


@pytest.fixture
async def http(standin: DiscordStandIn) -> AsyncIterator[aiohttp.ClientSession]:
    """A bare client with the bot's token, for what discord.py would never send. Paths are under the API's base."""
    headers = {"Authorization": f"Bot {standin.token}"}
    async with aiohttp.ClientSession(standin.base_url + "/", headers=headers) as session:
        yield session
