"""/channel: what moderators set for a channel."""

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
@app_commands.default_permissions(manage_channels=True)
class ChannelCog(commands.GroupCog, group_name="channel", group_description="Set up this channel"):
    """Settings of one channel; those of a thread are its parent's."""

    def __init__(self, setting_commands: SettingCommands) -> None:
        self._setting_commands = setting_commands

    @app_commands.command()
    @app_commands.describe(model="The model to use in this channel", kind="What it is for; chat if left out")
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, 100],
        kind: Literal["chat", "speech", "image"] = "chat",
    ) -> None:
        """Choose the model for this channel."""
        await self._setting_commands.set_model(interaction, model, kind)

    @model.autocomplete("model")
    async def _complete_model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return self._setting_commands.list_models(interaction, typed)

    @app_commands.command()
    @app_commands.describe(text="System prompt for this channel. Leave empty to open a form.")
    async def persona(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, MAX_TEXT_CHARACTERS] | None = None
    ) -> None:
        """Set my persona in this channel; {date}, {time}, {server}, {channel} and {user} can be used."""
        await self._setting_commands.set_persona(interaction, text)

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show this channel's settings and where each comes from."""
        await self._setting_commands.show(interaction)

    @app_commands.command()
    async def reset(self, interaction: discord.Interaction) -> None:
        """Go back to the server's settings in this channel."""
        await self._setting_commands.reset(interaction)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ChannelCog(SettingCommands(bot.services.settings, bot.modals, SettingScope.CHANNEL)))
