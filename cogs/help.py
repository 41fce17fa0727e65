"""/help: what the bot can do, as far as the person who asks can use it."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.command_sync import format_command_mention
from bot.discord_ui.context import requester_of
from bot.discord_ui.lists import show_privately
from bot.discord_ui.tree import PERMISSION, READS
from bot.messages import general as texts
from bot.messages.render import render


class HelpCog(commands.Cog):
    """Lists the commands as they are registered, so that the list is never behind."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    @app_commands.command(extras={READS: True})
    async def help(self, interaction: discord.Interaction) -> None:
        """Show what I can do."""
        lines = [texts.help_heading()]
        for command in self._bot.tree.walk_commands():
            if isinstance(command, app_commands.Group) or not _can_use(command, interaction):
                continue
            name = format_command_mention(command.qualified_name, self._bot.command_ids)
            lines.append(texts.help_command(name, command.description))
        lines += [texts.help_messages(), texts.help_context_menus()]
        await show_privately(interaction, [render(line) for line in lines])


def _can_use(command: app_commands.Command[HelpCog, ..., None], interaction: discord.Interaction) -> bool:
    """Return whether the requester sees `command` in Discord and has the permission that its `extras` name."""
    top = command.root_parent or command
    permission = command.extras.get(PERMISSION)
    if permission is not None and not requester_of(interaction).can(permission):
        return False
    if interaction.guild_id is None:
        return top.allowed_contexts is None or top.allowed_contexts.dm_channel is not False
    needed = top.default_permissions
    return needed is None or interaction.permissions.administrator or interaction.permissions >= needed


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(HelpCog(bot))
