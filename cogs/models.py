"""/models: which models there are."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.lists import fit
from bot.discord_ui.tree import READS
from bot.messages import settings as texts
from bot.messages.render import render
from bot.model_catalog import ModelCatalog, ModelKind

_HEADINGS = {
    ModelKind.CHAT: texts.chat_models(),
    ModelKind.SPEECH: texts.speech_models(),
    ModelKind.IMAGE: texts.image_models(),
}


class ModelsCog(commands.Cog):
    """Shows what can be chosen."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog

    @app_commands.command(extras={READS: True})
    @app_commands.describe(search="Only models with this in their name")
    async def models(self, interaction: discord.Interaction, search: app_commands.Range[str, 0, 100] = "") -> None:
        """List the models you can choose."""
        lines: list[str] = []
        for kind, heading in _HEADINGS.items():
            names = self._catalog.list_choices(kind, search)
            if names:
                lines += [render(each) for each in (heading, *map(texts.list_entry, names))]
        text = fit(lines, more=render(texts.list_goes_on())) if lines else render(texts.none_found())
        await interaction.response.send_message(text, ephemeral=True)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ModelsCog(bot.services.catalog))
