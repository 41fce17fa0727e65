"""/channel: what moderators set for a channel."""

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
from bot.guilds.settings import MODELS, GuildSettings, SettingScope
from bot.messages import settings as texts
from bot.messages.render import render
from bot.model_catalog import ModelKind

PERSONA_MODAL = "channel persona"


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.default_permissions(manage_channels=True)
class ChannelCog(commands.GroupCog, group_name="channel", group_description="Set up this channel"):
    """Settings of one channel; those of a thread are its parent's."""

    def __init__(self, settings: GuildSettings, modals: Modals) -> None:
        self._settings = settings
        self._modals = modals
        modals.register(PERSONA_MODAL, self._write)

    @app_commands.command()
    @app_commands.describe(model="The model to use in this channel", kind="What it is for; chat if left out")
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, 100],
        kind: Literal["chat", "speech", "image"] = "chat",
    ) -> None:
        """Choose the model for this channel."""
        chosen_for = ModelKind(kind)
        await self._settings.set_model(requester_of(interaction), SettingScope.CHANNEL, chosen_for, model)
        message = texts.model_set("channel", MODELS[chosen_for].label, model)
        await interaction.response.send_message(render(message), ephemeral=True)

    @model.autocomplete("model")
    async def _complete_model(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        kind = get_model_kind(interaction)
        return build_choices(
            self._settings.list_model_choices(requester_of(interaction), SettingScope.CHANNEL, kind, typed)
        )

    @app_commands.command()
    @app_commands.describe(text="System prompt for this channel. Leave empty to open a form.")
    async def persona(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, MAX_TEXT_CHARACTERS] | None = None
    ) -> None:
        """Set my persona in this channel; {date}, {time}, {server}, {channel} and {user} can be used."""
        if text is not None:
            await self._write(interaction, text)
            return
        present = await self._settings.get_persona_for_edit(requester_of(interaction), SettingScope.CHANNEL)
        await self._modals.open(
            interaction,
            PERSONA_MODAL,
            title=render(texts.form_title("channel")),
            label=render(texts.form_label()),
            text=present,
            max_length=MAX_TEXT_CHARACTERS,
        )

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show this channel's settings and where each comes from."""
        resolved = await self._settings.list_resolved(requester_of(interaction), SettingScope.CHANNEL)
        text, files = build_setting_list(resolved, SettingScope.CHANNEL)
        await interaction.response.send_message(text, files=files, ephemeral=True)

    @app_commands.command()
    async def reset(self, interaction: discord.Interaction) -> None:
        """Go back to the server's settings in this channel."""
        cleared = await self._settings.reset(requester_of(interaction), SettingScope.CHANNEL)
        message = texts.nothing_to_reset("channel")
        if cleared:
            message = texts.reset("channel", [setting.label for setting in cleared])
        await interaction.response.send_message(render(message), ephemeral=True)

    async def _write(self, interaction: discord.Interaction, text: str, _: str = "") -> None:
        await self._settings.set_persona(requester_of(interaction), SettingScope.CHANNEL, text)
        await interaction.response.send_message(render(texts.persona_set("channel")), ephemeral=True)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ChannelCog(bot.services.settings, bot.modals))
