from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.discord.server import DiscordStandIn
from sandbox.discord.state import World
from sandbox.openai.server import ModelApi
from tests.support.set_up import SetUp


@pytest.fixture
async def set_up(tmp_path: Path) -> AsyncIterator[SetUp]:
    world = World()
    world.populate()
    async with DiscordStandIn(world) as discord, ModelApi() as model_api:
        yield SetUp(discord, model_api, tmp_path)
