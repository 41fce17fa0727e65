from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.openai.server import OpenAiServer
from tests.support.cli_harness import CliHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[CliHarness]:
    state = DiscordState()
    state.populate()
    async with DiscordServer(state) as discord, OpenAiServer() as openai:
        yield CliHarness(discord, openai, tmp_path)
