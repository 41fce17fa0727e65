"""/draw: pictures from a description."""

import io

import discord
from discord import app_commands
from discord.ext import commands

from bot.catalogue import Catalogue, ModelKind
from bot.client import Bot
from bot.drawing.drawing import Drawing
from bot.drawing.request import MOST_PICTURES, DrawRequest, sizes_of
from bot.guilds.rules import GuildRules
from bot.quotas.lanes import Lanes
from bot.ui import choices
from bot.ui.callers import caller_of
from bot.ui.surfaces import acknowledge, edit_original
from bot.ui.waiting import in_line


class Draw(commands.Cog):
    """Draws pictures."""

    def __init__(self, drawing: Drawing, rules: GuildRules, catalogue: Catalogue, lanes: Lanes) -> None:
        self._drawing = drawing
        self._rules = rules
        self._catalogue = catalogue
        self._lanes = lanes

    @app_commands.command()
    @app_commands.describe(
        prompt="What the picture should show",
        size="Its size, such as 1024x1024",
        n="How many pictures",
        model="Who should draw; this channel's model if left out",
        spoiler="Hide the pictures until somebody clicks on them",
    )
    async def draw(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 4000],
        size: app_commands.Range[str, 1, 32] | None = None,
        n: app_commands.Range[int, 1, MOST_PICTURES] = 1,
        model: app_commands.Range[str, 1, 100] | None = None,
        spoiler: bool = False,
    ) -> None:
        """Have pictures drawn from your description."""
        caller = caller_of(interaction)
        chosen = await self._rules.model_for(caller, ModelKind.IMAGE, model)
        prepared = await self._drawing.prepare(caller, DrawRequest(prompt, chosen, size, n, spoiler))
        async with prepared.reservation, self._lanes.ticket(caller) as ticket:
            await acknowledge(interaction)
            await in_line(interaction, ticket)
            drawn = await self._drawing.draw(prepared, interaction.filesize_limit)
            files = [
                discord.File(io.BytesIO(file.data), file.filename, description=file.description, spoiler=file.spoiler)
                for file in drawn.files
            ]
            await edit_original(interaction, drawn.note or "", files)

    @draw.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return choices.models(self._catalogue, ModelKind.IMAGE, typed)

    @draw.autocomplete("size")
    async def _complete_size(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        asked = interaction.namespace.model
        model = asked or await self._rules.model_for(caller_of(interaction), ModelKind.IMAGE, None)
        return choices.offer(sizes_of(model), typed)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(Draw(services.drawing, services.rules, services.catalogue, services.lanes))
