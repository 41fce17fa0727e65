"""A good set-up that a command of the program can be run in, without the bot running."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.bot_process import Child
from sandbox.discord.server import DiscordStandIn
from sandbox.openai.server import ModelApi


@dataclass(frozen=True)
class SetUp:
    """Both far sides, and the settings that go with them."""

    discord: DiscordStandIn
    model_api: ModelApi
    directory: Path

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_BASE_URL": self.discord.base_url,
            "MULTIAPPAI_API_KEY": self.model_api.key,
            "MULTIAPPAI_BASE_URL": self.model_api.base_url,
        }

    async def run(self, *words: str, **settings: str) -> Child:
        """Run the program with some settings changed, to its end."""
        child = Child(self.directory, {**self.settings, **settings}, arguments=("-m", "bot", *words))
        await child.start()
        await child.ended()
        return child
