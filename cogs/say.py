"""/say: a text as a spoken MP3, and aloud in a voice channel."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.tree import build_choices, build_model_choices
from bot.discord_ui.voice.speech_commands import SpeechCommands
from bot.model_catalog import ModelCatalog, ModelKind
from bot.speech.voice_settings import VOICES


class SayCog(commands.Cog):
    """Speaks texts."""

    def __init__(self, speech_commands: SpeechCommands, catalog: ModelCatalog) -> None:
        self._speech_commands = speech_commands
        self._catalog = catalog

    @app_commands.command()
    @app_commands.describe(
        text="What to say",
        voice="Voice to use (default: yours)",
        model="The speech model to use (default: this channel's)",
        play="Also speak in your voice channel (default: if I'm already in it)",
    )
    async def say(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, 6000],
        voice: app_commands.Range[str, 1, 64] | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        play: bool | None = None,
    ) -> None:
        """Speak a text: as an MP3, and in your voice channel."""
        requester = requester_of(interaction)
        await self._speech_commands.say(interaction, requester, text, voice=voice, model=model, play=play)

    @say.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_model_choices(self._catalog, ModelKind.SPEECH, typed)

    @say.autocomplete("voice")
    async def _complete_voice(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_choices(VOICES, typed)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(SayCog(bot.speech_commands, bot.services.catalog))
