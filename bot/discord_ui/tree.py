"""The command tree: lets in who may, each event once, and is where every fault of a command ends."""

from typing import Any, Final

import discord
from discord import app_commands

from bot.discord_ui import error_messages
from bot.discord_ui.event_gate import EventGate
from bot.errors import UserError
from bot.guilds.access import AccessPolicy

PERMISSION: Final = "permission"
"""In a command's `extras`: the permission that it takes, where its group's default permission does not say so."""

READS: Final = "reads"
"""In a command's `extras`, or a pressed button's: it writes nothing, so that it works on a full disk too."""


class CommandTree(app_commands.CommandTree[Any]):  # Any: the client, of which this file needs the gate only
    """Commands for servers and direct messages, installed by servers."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self._admission: AccessPolicy | None = None

    def guard(self, admission: AccessPolicy) -> None:
        """Ask `admission` of everybody from now on."""
        self._admission = admission

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Let each event in once, none while the bot is stopping, and only whom the bot serves.

        discord.py asks this of commands and choices; forms and buttons ask it by themselves.
        """
        gate: EventGate = self.client.event_gate
        extras = interaction.extras if interaction.command is None else interaction.command.extras
        reads = bool(extras.get(READS))
        if not await gate.admits(interaction, reads=reads):
            return False
        try:
            self._admit(interaction)
        except UserError as refusal:
            if interaction.type is not discord.InteractionType.autocomplete:
                await error_messages.show(interaction, refusal)
            return False
        return True

    def _admit(self, interaction: discord.Interaction) -> None:
        if self._admission is None:
            return
        if interaction.type is discord.InteractionType.autocomplete:
            self._admission.check(interaction.user.id, interaction.guild_id)
        else:
            self._admission.check_call(interaction.user.id, interaction.guild_id)

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Show `error` to the person who asked; where choices were asked for, nothing can be shown."""
        if interaction.type is discord.InteractionType.autocomplete:
            return
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await error_messages.show(interaction, cause)
