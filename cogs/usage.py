"""/usage: what binds the member here, how much of it is gone, and when it starts again."""

from collections.abc import Sequence
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.caller import Right
from bot.client import Bot
from bot.errors import MissingRight
from bot.quotas.ledger import Ledger, UsageLine
from bot.quotas.rules import Scope
from bot.quotas.wording import relative
from bot.ui.callers import caller_of

_KINDS = {
    "messages": "messages",
    "tokens": "tokens",
    "speech_characters": "characters of speech",
    "images": "images",
}


class Usage(commands.Cog):
    """Shows where the limits stand."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @app_commands.command()
    @app_commands.describe(scope="Yours, or the whole server's (needs Manage Server)")
    async def usage(self, interaction: discord.Interaction, scope: Literal["me", "server"] = "me") -> None:
        """See how much you can still use today."""
        caller = caller_of(interaction)
        if scope == "server":
            if not caller.may(Right.MANAGE_SERVER):
                raise MissingRight(Right.MANAGE_SERVER)
            lines = await self._ledger.usage_of_server(caller)
        else:
            lines = await self._ledger.usage(caller)
        await interaction.response.send_message(_render(lines), ephemeral=True)


def _render(lines: Sequence[UsageLine]) -> str:
    """Say each limit and what is left of it, the member's own before the server's."""
    parts: list[str] = []
    for scope, heading in ((Scope.MEMBER, "**You, today**"), (Scope.SERVER, "**This server, today**")):
        own = [line for line in lines if line.rule.scope is scope]
        if not own:
            continue
        if any(line.rule.for_direct_messages for line in own):
            heading = "**Your direct messages, today**"
        parts.append(f"{heading}, starting again {relative(own[0].resets_at)}")
        parts += [f"- {_KINDS[line.rule.kind]}: {_amounts(line)}" for line in own]
    return "\n".join(parts)


def _amounts(line: UsageLine) -> str:
    if line.rule.limit is None:
        return f"{line.used:,} used, no limit"
    return f"{line.used:,} of {line.rule.limit:,} used"


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(Usage(bot.services.ledger))
