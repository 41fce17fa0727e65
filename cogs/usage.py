"""/usage: the limits that apply to a member, how much is used, and when they reset."""

from collections.abc import Sequence
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.lists import show_privately
from bot.discord_ui.tree import READS
from bot.messages import quotas as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.quotas.limit_messages import get_owner
from bot.quotas.usage import UsageLine, UsageReader


class UsageCog(commands.Cog):
    """Shows limits and usage."""

    def __init__(self, usage_reader: UsageReader) -> None:
        self._usage_reader = usage_reader

    @app_commands.command(extras={READS: True})
    @app_commands.describe(scope="Yours, or the whole server's (needs Manage Server)")
    async def usage(self, interaction: discord.Interaction, scope: Literal["me", "server"] = "me") -> None:
        """Show every limit that applies to you here, how much is used, and when it resets."""
        requester = requester_of(interaction)
        if scope == "server":
            lines = await self._usage_reader.list_for_guild(requester)
        else:
            lines = await self._usage_reader.list_for_requester(requester)
        await show_privately(interaction, [render(line) for line in list_lines(lines)])


def list_lines(usage: Sequence[UsageLine]) -> list[Message]:
    """Return each limit and how much of it is used, under its owner and period, the member's own first."""
    lines: list[Message] = []
    groups: dict[tuple[texts.Owner, str, texts.Period], list[UsageLine]] = {}
    for line in usage:
        groups.setdefault((*get_owner(line.applicable), line.limit.per.value), []).append(line)
    for heading, group in groups.items():
        lines.append(texts.usage_heading(*heading, group[0].resets_at))
        lines += [_build_line(line) for line in group]
    return lines


def _build_line(line: UsageLine) -> Message:
    if line.limit.max_amount is None:
        return texts.usage_unlimited(line.limit.kind.value, line.used)
    return texts.usage(line.limit.kind.value, line.used, line.limit.max_amount)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(UsageCog(bot.services.usage))
