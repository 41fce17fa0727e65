"""/usage: the limits that apply to a member, how much is used, and when they reset."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.paging import show_privately
from bot.discord_ui.text import quotas
from bot.discord_ui.tree import READS
from bot.quotas.usage import UsageReader


class UsageCog(commands.Cog):
    """Shows limits and usage."""

    def __init__(self, usage_reader: UsageReader) -> None:
        self._usage_reader = usage_reader

    @app_commands.command(extras={READS: True})
    @app_commands.describe(scope="Yours, or the whole server's (needs Manage Server)")
    async def usage(self, interaction: discord.Interaction, scope: Literal["me", "server"] = "me") -> None:
        """See every limit that holds for you here, how much is used, and when it starts again."""
        requester = requester_of(interaction)
        if scope == "server":
            lines = await self._usage_reader.list_for_guild(requester)
        else:
            lines = await self._usage_reader.list_for_requester(requester)
        await show_privately(interaction, quotas.standing(lines))


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(UsageCog(bot.services.usage))
