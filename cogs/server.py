"""/server: what moderators set for all channels of a server that have nothing of their own."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.setting_commands import SettingCommands
from bot.discord_ui.tree import READS
from bot.guilds.persona_files import MAX_TEXT_CHARACTERS
from bot.guilds.settings import SettingScope


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.default_permissions(manage_guild=True)
class ServerCog(commands.GroupCog, group_name="server", group_description="Set up this server"):
    """A server's defaults; what a channel has of its own goes before them."""

    def __init__(self, setting_commands: SettingCommands) -> None:
        self._setting_commands = setting_commands

    @app_commands.command()
    @app_commands.describe(model="The model to use in this server", kind="What it is for; chat if left out")
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, 100],
        kind: Literal["chat", "speech", "image"] = "chat",
    ) -> None:
        """Choose the model for channels without one of their own."""
        await self._setting_commands.set_model(interaction, model, kind)

    @model.autocomplete("model")
    async def _complete_model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return self._setting_commands.list_models(interaction, typed)

    @app_commands.command()
    @app_commands.describe(text="System prompt for this server. Leave empty to open a form.")
    async def persona(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, MAX_TEXT_CHARACTERS] | None = None
    ) -> None:
        """Set my persona in this server; {date}, {time}, {server}, {channel} and {user} can be used."""
        await self._setting_commands.set_persona(interaction, text)

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the server's defaults and where each comes from."""
        await self._setting_commands.show(interaction)

    @app_commands.command()
    async def reset(self, interaction: discord.Interaction) -> None:
        """Go back to the operator's defaults; channels keep their own settings."""
        await self._setting_commands.reset(interaction)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ServerCog(SettingCommands(bot.services.settings, bot.modals, SettingScope.SERVER)))
