"""What the commands for settings do: `/channel` and `/server` have the same ones, each for its own scope."""

import io
from collections.abc import Sequence
from typing import Final

import discord
from discord import app_commands

from bot.discord_ui.context import requester_of
from bot.discord_ui.modals import Modals
from bot.discord_ui.tree import build_choices, get_model_kind
from bot.guilds.persona_files import MAX_TEXT_CHARACTERS
from bot.guilds.settings import MODELS, PERSONA, READ_CHANNEL, GuildSettings, ResolvedSetting, SettingScope
from bot.messages import settings as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.model_catalog import ModelKind

# Characters of a persona in the message, whose limit is 2,000; all of a longer one is in a file.
PREVIEW: Final = 1000


class SettingCommands:
    """Carries out the commands for the settings of one scope."""

    def __init__(self, settings: GuildSettings, modals: Modals, scope: SettingScope) -> None:
        self._settings = settings
        self._modals = modals
        self._scope = scope
        self._persona_modal = f"{scope} persona"
        modals.register(self._persona_modal, self._set_persona)

    async def set_model(self, interaction: discord.Interaction, model: str, kind: str) -> None:
        """Set the model of a kind."""
        chosen_for = ModelKind(kind)
        await self._settings.set_model(requester_of(interaction), self._scope, chosen_for, model)
        message = texts.model_set(self._scope.value, MODELS[chosen_for].label, model)
        await interaction.response.send_message(render(message), ephemeral=True)

    def list_models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Return the models to choose from for a command that is being typed."""
        kind = get_model_kind(interaction)
        return build_choices(self._settings.list_model_choices(requester_of(interaction), self._scope, kind, typed))

    async def set_persona(self, interaction: discord.Interaction, text: str | None) -> None:
        """Set the persona, or open a form for it."""
        if text is not None:
            await self._set_persona(interaction, text)
            return
        present = await self._settings.get_persona_for_edit(requester_of(interaction), self._scope)
        await self._modals.open(
            interaction,
            self._persona_modal,
            title=render(texts.form_title(self._scope.value)),
            label=render(texts.form_label()),
            text=present,
            max_length=MAX_TEXT_CHARACTERS,
        )

    async def show(self, interaction: discord.Interaction) -> None:
        """Show what applies, and where each setting comes from."""
        resolved = await self._settings.list_resolved(requester_of(interaction), self._scope)
        text, files = _build_setting_list(resolved, self._scope)
        await interaction.response.send_message(text, files=files, ephemeral=True)

    async def reset(self, interaction: discord.Interaction) -> None:
        """Clear what is set."""
        cleared = await self._settings.reset(requester_of(interaction), self._scope)
        lines = [] if cleared else [texts.nothing_to_reset(self._scope.value)]
        if defaults := [setting.label for setting in cleared if setting is not READ_CHANNEL]:
            lines.append(texts.reset(self._scope.value, defaults))
        if READ_CHANNEL in cleared:
            lines.append(texts.no_channel_read_any_more())
        await interaction.response.send_message("\n".join(map(render, lines)), ephemeral=True)

    async def _set_persona(self, interaction: discord.Interaction, text: str, _: str = "") -> None:
        await self._settings.set_persona(requester_of(interaction), self._scope, text)
        await interaction.response.send_message(render(texts.persona_set(self._scope.value)), ephemeral=True)


def _build_setting_list(
    resolved_settings: Sequence[ResolvedSetting], scope: SettingScope
) -> tuple[str, list[discord.File]]:
    """Return what applies at `scope`, and a file with a persona that is too long for a message."""
    lines = [render(texts.heading(scope.value))]
    files: list[discord.File] = []
    for resolved in resolved_settings:
        if resolved.setting is READ_CHANNEL:
            lines += [render(texts.read_channel_entry(f"<#{resolved.value}>"))] if resolved.value else []
            continue
        if resolved.setting is not PERSONA:
            lines.append(render(_build_model_entry(resolved)))
            continue
        lines.append(render(texts.persona_entry(resolved.level.value)))
        lines += [f"> {line}" for line in _beginning(resolved.value).splitlines()]
        if len(resolved.value) > PREVIEW:
            files.append(discord.File(io.BytesIO(resolved.value.encode("utf-8", "replace")), "persona.txt"))
    return "\n".join(lines), files


def _build_model_entry(resolved: ResolvedSetting) -> Message:
    label, model, ignored = resolved.setting.label, resolved.value, resolved.ignored_values
    if ignored:
        return texts.model_entry_of_next_level(label, model, resolved.level.value, ignored[0])
    return texts.model_entry(label, model, resolved.level.value)


def _beginning(persona: str) -> str:
    return persona if len(persona) <= PREVIEW else persona[:PREVIEW].rstrip() + "…"
