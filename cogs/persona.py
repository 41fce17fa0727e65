"""/persona: a server's personas by name, for `/ask persona:`."""

import io
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.context import Permission
from bot.discord_ui import attachments
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_output import acknowledge, edit_original
from bot.discord_ui.lists import show_privately
from bot.discord_ui.modals import Modals
from bot.discord_ui.tree import PERMISSION, READS, build_choices
from bot.guilds.persona_files import MAX_FILE_BYTES, MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from bot.guilds.personas import Personas
from bot.messages import personas as texts
from bot.messages.render import render

_ADD: Final = "persona add"
_EDIT: Final = "persona edit"

_FOR_MODERATORS: Final = {PERMISSION: Permission.MANAGE_SERVER}

Name = app_commands.Range[str, 1, MAX_NAME_CHARACTERS]


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
class PersonaCog(commands.GroupCog, group_name="persona", group_description="Personas of this server"):
    """Writes, lists, exports and imports personas.

    No default permission: Discord has them for whole groups only, and every member may see the list.
    """

    def __init__(self, personas: Personas, modals: Modals) -> None:
        self._personas = personas
        self._modals = modals
        modals.register(_ADD, self._add)
        modals.register(_EDIT, self._edit)

    @app_commands.command(extras=_FOR_MODERATORS)
    @app_commands.describe(name="The name members choose, such as Pirate")
    async def add(self, interaction: discord.Interaction, name: Name) -> None:
        """Add a persona that members can choose; {date}, {time}, {server}, {channel} and {user} can be used."""
        name = await self._personas.check_new(requester_of(interaction), name)
        await self._open(interaction, _ADD, name, "")

    @app_commands.command(extras=_FOR_MODERATORS)
    @app_commands.describe(name="The persona's name")
    async def edit(self, interaction: discord.Interaction, name: Name) -> None:
        """Change what a persona says."""
        present = await self._personas.get_for_edit(requester_of(interaction), name)
        await self._open(interaction, _EDIT, present.name, present.persona)

    @app_commands.command(extras=_FOR_MODERATORS)
    @app_commands.describe(name="The persona's name")
    async def remove(self, interaction: discord.Interaction, name: Name) -> None:
        """Remove a persona."""
        removed = await self._personas.remove(requester_of(interaction), name)
        await interaction.response.send_message(render(texts.removed(removed)), ephemeral=True)

    @edit.autocomplete("name")
    @remove.autocomplete("name")
    async def _complete_name(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_choices(await self._personas.list_editable(requester_of(interaction)), typed)

    @app_commands.command(name="list", extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """List the personas you can choose."""
        names = await self._personas.list_names(requester_of(interaction))
        lines = [texts.list_heading(), *map(texts.list_entry, names)] if names else [texts.list_empty()]
        await show_privately(interaction, [*map(render, lines)])

    @app_commands.command(extras={READS: True, **_FOR_MODERATORS})
    async def export(self, interaction: discord.Interaction) -> None:
        """Get all personas of this server as a file."""
        data = await self._personas.export(requester_of(interaction))
        await acknowledge(interaction, private=True)
        file = discord.File(io.BytesIO(data), "personas.json")
        await edit_original(interaction, render(texts.exported()), [file])

    @app_commands.command(name="import", extras=_FOR_MODERATORS)
    @app_commands.describe(file="A file from /persona export; personas with the same names are replaced, others stay")
    async def import_file(self, interaction: discord.Interaction, file: discord.Attachment) -> None:
        """Import personas from a file: all of them, or none if something is wrong with it."""
        requester = requester_of(interaction)
        requester.require_in_guild(Permission.MANAGE_SERVER)
        attachments.check_size(file, MAX_FILE_BYTES)
        await acknowledge(interaction, private=True)
        imported = await self._personas.import_file(requester, await attachments.read(file, MAX_FILE_BYTES))
        text = render(texts.imported(imported.new, imported.changed, imported.same))
        await edit_original(interaction, text, [])

    async def _open(self, interaction: discord.Interaction, modal: str, name: str, text: str) -> None:
        await self._modals.open(
            interaction,
            modal,
            title=render(texts.form_title(name)),
            label=render(texts.form_label()),
            text=text,
            max_length=MAX_TEXT_CHARACTERS,
            about=name,
        )

    async def _add(self, interaction: discord.Interaction, text: str, name: str) -> None:
        added = await self._personas.add(requester_of(interaction), name, text)
        await interaction.response.send_message(render(texts.added(added)), ephemeral=True)

    async def _edit(self, interaction: discord.Interaction, text: str, name: str) -> None:
        changed = await self._personas.change(requester_of(interaction), name, text)
        await interaction.response.send_message(render(texts.changed(changed)), ephemeral=True)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(PersonaCog(bot.services.personas, bot.modals))
