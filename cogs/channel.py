"""/channel: what moderators set for a channel."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.catalogue import Catalogue, ModelKind
from bot.client import Bot
from bot.guilds.fields import MODELS
from bot.guilds.rules import GuildRules
from bot.ui import choices
from bot.ui.callers import caller_of


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.default_permissions(manage_channels=True)
class Channel(commands.GroupCog, group_name="channel", group_description="Set up this channel"):
    """Settings of one channel; those of a thread are its parent's."""

    def __init__(self, rules: GuildRules, catalogue: Catalogue) -> None:
        self._rules = rules
        self._catalogue = catalogue

    @app_commands.command()
    @app_commands.describe(model="The model to use in this channel", kind="What it is for; answers if left out")
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, 100],
        kind: Literal["chat", "speech", "image"] = "chat",
    ) -> None:
        """Choose the model for this channel."""
        chosen_for = ModelKind(kind)
        await self._rules.choose_model(caller_of(interaction), chosen_for, model)
        await interaction.response.send_message(
            f"From now on the {MODELS[chosen_for].label} in this channel is `{model}`.", ephemeral=True
        )

    @model.autocomplete("model")
    async def _complete_model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        asked = interaction.namespace.kind
        kind = ModelKind(asked) if asked in set(ModelKind) else ModelKind.CHAT
        return choices.models(self._catalogue, kind, typed)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(Channel(bot.services.rules, bot.services.catalogue))
