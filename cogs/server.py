"""/server: what moderators set for all channels of a server that have nothing of their own."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.modals import Modals
from bot.discord_ui.text import settings
from bot.discord_ui.tree import READS, build_choices, get_model_kind
from bot.guilds.persona_validation import MAX_TEXT_CHARACTERS
from bot.guilds.settings import MODELS, READ_CHANNEL, GuildSettings, SettingScope
from bot.models.allowlist import ModelKind

PERSONA_MODAL = "server persona"


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.default_permissions(manage_guild=True)
class ServerCog(commands.GroupCog, group_name="server", group_description="Set up this server"):
    """A server's defaults; what a channel has of its own goes before them."""

    def __init__(self, settings: GuildSettings, modals: Modals) -> None:
        self._settings = settings
        self._modals = modals
        modals.register(PERSONA_MODAL, self._write)

    @app_commands.command()
    @app_commands.describe(model="The model to use in this server", kind="What it is for; answers if left out")
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, 100],
        kind: Literal["chat", "speech", "image"] = "chat",
    ) -> None:
        """Choose the model for channels that have none of their own."""
        chosen_for = ModelKind(kind)
        await self._settings.set_model(requester_of(interaction), SettingScope.SERVER, chosen_for, model)
        await interaction.response.send_message(
            f"From now on the {MODELS[chosen_for].label} in this server is `{model}`, except where a channel has its "
            "own.",
            ephemeral=True,
        )

    @model.autocomplete("model")
    async def _complete_model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        kind = get_model_kind(interaction)
        return build_choices(
            self._settings.list_model_choices(requester_of(interaction), SettingScope.SERVER, kind, typed)
        )

    @app_commands.command()
    @app_commands.describe(text="Who I am in this server and how I answer; leave it out to write in a form")
    async def persona(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, MAX_TEXT_CHARACTERS] | None = None
    ) -> None:
        """Tell me who I am in this server; {date}, {time}, {server}, {channel} and {user} can be used."""
        if text is not None:
            await self._write(interaction, text)
            return
        present = await self._settings.get_persona_for_edit(requester_of(interaction), SettingScope.SERVER)
        await self._modals.open(
            interaction,
            PERSONA_MODAL,
            title="Persona of this server",
            label="Who am I here, and how do I answer?",
            text=present,
            max_length=MAX_TEXT_CHARACTERS,
        )

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """See the server's defaults, and where they come from."""
        holdings = await self._settings.list_resolved(requester_of(interaction), SettingScope.SERVER)
        text, files = settings.told(holdings, SettingScope.SERVER)
        await interaction.response.send_message(text, files=files, ephemeral=True)

    @app_commands.command()
    async def reset(self, interaction: discord.Interaction) -> None:
        """Go back to the operator's defaults; channels keep what is their own."""
        cleared = await self._settings.reset(requester_of(interaction), SettingScope.SERVER)
        text = "This server has no defaults of its own."
        if defaults := [field for field in cleared if field is not READ_CHANNEL]:
            text = f"From now on this server goes by the operator's {settings.listed(defaults)} again."
        if READ_CHANNEL in cleared:
            text = f"{text} No channel is read aloud any more." if defaults else "No channel is read aloud any more."
        await interaction.response.send_message(text, ephemeral=True)

    async def _write(self, interaction: discord.Interaction, text: str, _: str = "") -> None:
        await self._settings.set_persona(requester_of(interaction), SettingScope.SERVER, text)
        await interaction.response.send_message(
            "From now on I go by that persona in this server, except where a channel has its own.", ephemeral=True
        )


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ServerCog(bot.services.settings, bot.modals))
