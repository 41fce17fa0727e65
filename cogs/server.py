"""/server: what moderators set for all channels of a server that have nothing of their own."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.lists import build_setting_list
from bot.discord_ui.modals import Modals
from bot.discord_ui.tree import READS, build_choices, get_model_kind
from bot.guilds.persona_files import MAX_TEXT_CHARACTERS
from bot.guilds.settings import MODELS, READ_CHANNEL, GuildSettings, SettingScope
from bot.messages import settings as texts
from bot.messages.render import render
from bot.model_catalog import ModelKind

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
    @app_commands.describe(model="The model to use in this server", kind="What it is for; chat if left out")
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, 100],
        kind: Literal["chat", "speech", "image"] = "chat",
    ) -> None:
        """Choose the model for channels without one of their own."""
        chosen_for = ModelKind(kind)
        await self._settings.set_model(requester_of(interaction), SettingScope.SERVER, chosen_for, model)
        message = texts.model_set("server", MODELS[chosen_for].label, model)
        await interaction.response.send_message(render(message), ephemeral=True)

    @model.autocomplete("model")
    async def _complete_model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        kind = get_model_kind(interaction)
        return build_choices(
            self._settings.list_model_choices(requester_of(interaction), SettingScope.SERVER, kind, typed)
        )

    @app_commands.command()
    @app_commands.describe(text="System prompt for this server. Leave empty to open a form.")
    async def persona(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, MAX_TEXT_CHARACTERS] | None = None
    ) -> None:
        """Set my persona in this server; {date}, {time}, {server}, {channel} and {user} can be used."""
        if text is not None:
            await self._write(interaction, text)
            return
        present = await self._settings.get_persona_for_edit(requester_of(interaction), SettingScope.SERVER)
        await self._modals.open(
            interaction,
            PERSONA_MODAL,
            title=render(texts.form_title("server")),
            label=render(texts.form_label()),
            text=present,
            max_length=MAX_TEXT_CHARACTERS,
        )

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the server's defaults and where each comes from."""
        resolved = await self._settings.list_resolved(requester_of(interaction), SettingScope.SERVER)
        text, files = build_setting_list(resolved, SettingScope.SERVER)
        await interaction.response.send_message(text, files=files, ephemeral=True)

    @app_commands.command()
    async def reset(self, interaction: discord.Interaction) -> None:
        """Go back to the operator's defaults; channels keep their own settings."""
        cleared = await self._settings.reset(requester_of(interaction), SettingScope.SERVER)
        lines = [] if cleared else [texts.nothing_to_reset("server")]
        if defaults := [setting.label for setting in cleared if setting is not READ_CHANNEL]:
            lines.append(texts.reset("server", defaults))
        if READ_CHANNEL in cleared:
            lines.append(texts.no_channel_read_any_more())
        await interaction.response.send_message("\n".join(map(render, lines)), ephemeral=True)

    async def _write(self, interaction: discord.Interaction, text: str, _: str = "") -> None:
        await self._settings.set_persona(requester_of(interaction), SettingScope.SERVER, text)
        await interaction.response.send_message(render(texts.persona_set("server")), ephemeral=True)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ServerCog(bot.services.settings, bot.modals))
