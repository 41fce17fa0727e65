"""The command tree: lets in who may, counts what is running, and is where every fault of a command ends."""

import asyncio
from typing import Any, Final

import discord
from discord import app_commands

from bot.errors import Refusal, Restarting
from bot.guilds.admission import Admission
from bot.ui import notices

# After the grace, how long interrupted commands may take to say so and to settle what they spent.
LAST_WORDS_S = 2.0


RIGHT: Final = "right"
"""In a command's `extras`: the right that it takes, where its group's default permission does not say so."""


class Tree(app_commands.CommandTree[Any]):  # Any: the client, which this file has no need of
    """Commands for servers and direct messages, installed by servers."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self._running: dict[asyncio.Task[Any], discord.Interaction] = {}
        self._stopping = False
        self._admission: Admission | None = None

    def guard(self, admission: Admission) -> None:
        """Ask `admission` of everybody from now on."""
        self._admission = admission

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Let in whom the bot serves, until it is stopping; remember what is running until it ends.

        discord.py asks this of commands and choices; forms and buttons ask it by themselves.
        """
        try:
            self._admit(interaction)
        except Refusal as refusal:
            if interaction.type is not discord.InteractionType.autocomplete:
                await notices.show(interaction, refusal)
            return False
        # discord.py runs each interaction in a task of its own and keeps no hold of it.
        task = asyncio.current_task()
        if task is not None:
            self._running[task] = interaction
            task.add_done_callback(self._running.pop)
        return True

    def _admit(self, interaction: discord.Interaction) -> None:
        if self._stopping:
            raise Restarting
        if self._admission is None:
            return
        if interaction.type is discord.InteractionType.autocomplete:
            self._admission.check(interaction.user.id, interaction.guild_id)
        else:
            self._admission.check_call(interaction.user.id, interaction.guild_id)

    async def drain(self, grace_s: float) -> None:
        """Take no new commands; wait up to `grace_s` seconds for running ones, then interrupt the rest."""
        self._stopping = True
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=grace_s)
        if not late:
            return
        endings = [asyncio.create_task(_interrupt(task, self._running[task])) for task in late]
        _, unsaid = await asyncio.wait(endings, timeout=LAST_WORDS_S)
        for ending in unsaid:
            ending.cancel()

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Show `error` to the person who asked; where choices were asked for, nothing can be shown."""
        if interaction.type is discord.InteractionType.autocomplete:
            return
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await notices.show(interaction, cause)


async def _interrupt(task: asyncio.Task[Any], interaction: discord.Interaction) -> None:
    """End a command, and leave nobody with a "thinking…" that nothing will ever take the place of."""
    task.cancel()
    await asyncio.wait({task})
    if interaction.type is not discord.InteractionType.autocomplete:
        await notices.show_unless_answered(interaction, Restarting())
