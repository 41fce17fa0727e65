"""A valid configuration in which a command of the program can be run, without the bot running."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.discord.server import DiscordServer
from sandbox.openai.server import OpenAiServer


@dataclass(frozen=True)
class CliHarness:
    """Discord's and the AI service's servers, and the settings for them."""

    discord: DiscordServer
    openai: OpenAiServer
    directory: Path

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_BASE_URL": self.discord.base_url,
            "MULTIAPPAI_API_KEY": self.openai.key,
            "MULTIAPPAI_BASE_URL": self.openai.base_url,
        }

    async def run(self, *words: str, **settings: str) -> BotProcess:
        """Run the program with some settings changed, to its end."""
        child = BotProcess(self.directory, {**self.settings, **settings}, arguments=("-m", "bot", *words))
        await child.start()
        await child.wait()
        return child
