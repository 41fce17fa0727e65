"""The command tree: who may use commands, where their errors are shown, and autocomplete choices."""

from collections.abc import Iterable
from typing import Any, Final

import discord
from discord import app_commands

from bot.discord_ui import error_messages
from bot.discord_ui.event_gate import EventGate
from bot.errors import UserError
from bot.guilds.access import AccessPolicy
from bot.model_catalog import ModelCatalog, ModelKind

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
        self._access_policy: AccessPolicy | None = None

    def guard(self, access_policy: AccessPolicy) -> None:
        """Check each use with `access_policy` from now on."""
        self._access_policy = access_policy

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Admit each event once, none while the bot shuts down, and only those whom the bot serves.

        discord.py calls this for commands and autocomplete; modals and buttons call it by themselves.
        """
        gate: EventGate = self.client.event_gate
        extras = interaction.extras if interaction.command is None else interaction.command.extras
        reads = bool(extras.get(READS))
        if not await gate.admit(interaction, reads=reads):
            return False
        try:
            self._check_access(interaction)
        except UserError as refusal:
            if interaction.type is not discord.InteractionType.autocomplete:
                await error_messages.show(interaction, refusal)
            return False
        return True

    def _check_access(self, interaction: discord.Interaction) -> None:
        if self._access_policy is None:
            return
        if interaction.type is discord.InteractionType.autocomplete:
            self._access_policy.check(interaction.user.id, interaction.guild_id)
        else:
            self._access_policy.check_request(interaction.user.id, interaction.guild_id)

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Show `error` to the person who asked; where choices were asked for, nothing can be shown."""
        if interaction.type is discord.InteractionType.autocomplete:
            return
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await error_messages.show(interaction, cause)


# interactions/application-commands: at most 25 choices, of at most 100 characters.
MAX_CHOICES: Final = 25
MAX_CHOICE_LENGTH: Final = 100


def build_model_choices(catalog: ModelCatalog, kind: ModelKind, typed: str) -> list[app_commands.Choice[str]]:
    """Return the models for `kind` that have `typed` anywhere in their name."""
    return build_choices(catalog.list_choices(kind, typed))


def get_model_kind(interaction: discord.Interaction) -> ModelKind:
    """Return which kind of model is asked for, from the command's option `kind`."""
    option = interaction.namespace.kind
    return ModelKind(option) if option in set(ModelKind) else ModelKind.CHAT


def build_choices(values: Iterable[str], typed: str = "") -> list[app_commands.Choice[str]]:
    """Return those of `values` that have `typed` anywhere in them, as many as Discord takes.

    Always from memory, since the next letter is on its way.
    """
    sought = typed.strip().lower()
    fitting = [value for value in values if sought in value.lower() and len(value) <= MAX_CHOICE_LENGTH]
    return [app_commands.Choice(name=value, value=value) for value in fitting[:MAX_CHOICES]]
