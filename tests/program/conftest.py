from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.model_api import ModelApi
from bot.sandbox.standin import DiscordStandIn
from bot.sandbox.world import World
from tests.support.set_up import SetUp


@pytest.fixture
async def set_up(tmp_path: Path) -> AsyncIterator[SetUp]:
    world = World()
    world.populate()
    async with DiscordStandIn(world) as discord, ModelApi() as model_api:
        yield SetUp(discord, model_api, tmp_path)
