from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.openai.server import OpenAiServer
from tests.support.set_up import SetUp


@pytest.fixture
async def set_up(tmp_path: Path) -> AsyncIterator[SetUp]:
    state = DiscordState()
    state.populate()
    async with DiscordServer(state) as discord, OpenAiServer() as openai:
        yield SetUp(discord, openai, tmp_path)
