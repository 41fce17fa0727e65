"""/history: what is remembered of a conversation, to look at, to take along, to clear."""

from typing import Final, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.context import Permission
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row
from bot.discord_ui.context import requester_of
from bot.discord_ui.text import history
from bot.discord_ui.text.history import counted, send_export
from bot.discord_ui.tree import PERMISSION, READS
from bot.history.history import ExportFormat, History
from bot.store.turn_reader import TurnPage

_OLDER: Final = "history-older"
_NEWER: Final = "history-newer"
_CLEAR: Final = "history-clear"


class HistoryCog(commands.GroupCog, group_name="history", group_description="What I remember here"):
    """Shows, exports and clears the conversation of a channel, a thread or a direct message.

    No default permission: Discord has them for whole groups only, and showing needs another one than clearing.
    """

    def __init__(self, history: History, buttons: ButtonRouter) -> None:
        self._history = history
        buttons.register(_OLDER, self._older, reads=True, private=True)
        buttons.register(_NEWER, self._newer, reads=True, private=True)
        buttons.register(_CLEAR, self._clear, private=True)

    @app_commands.command(extras={READS: True, PERMISSION: Permission.READ_MESSAGE_HISTORY})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show this conversation's history."""
        turn_page = await self._history.get_newest(requester_of(interaction))
        view = _build_paging_buttons(turn_page)
        if view is None:
            await interaction.response.send_message(history.page(turn_page), ephemeral=True, suppress_embeds=True)
        else:
            await interaction.response.send_message(
                history.page(turn_page), ephemeral=True, suppress_embeds=True, view=view
            )

    async def _older(self, interaction: discord.Interaction, turn_id: int) -> None:
        await _show_page(interaction, await self._history.get_before(requester_of(interaction), turn_id))

    async def _newer(self, interaction: discord.Interaction, turn_id: int) -> None:
        await _show_page(interaction, await self._history.get_after(requester_of(interaction), turn_id))

    @app_commands.command(extras={READS: True, PERMISSION: Permission.READ_MESSAGE_HISTORY})
    @app_commands.describe(format="markdown to read, json for programs (default: markdown)")
    async def export(
        self,
        interaction: discord.Interaction,
        format: Literal["markdown", "json"] = "markdown",  # noqa: A002 - the option's name
    ) -> None:
        """Get this conversation's history as a file."""
        requester = requester_of(interaction)
        self._history.check_reading(requester)
        await interaction.response.defer(ephemeral=True, thinking=True)
        export = await self._history.export(requester, ExportFormat(format), interaction.filesize_limit)
        await send_export(interaction, export)

    @app_commands.command(extras={PERMISSION: Permission.MANAGE_MESSAGES})
    async def clear(self, interaction: discord.Interaction) -> None:
        """Delete this conversation's history."""
        requester = requester_of(interaction)
        count = await self._history.count(requester)
        if not count:
            await interaction.response.send_message("There is nothing here that I remember.", ephemeral=True)
            return
        await interaction.response.send_message(
            f"I would forget **{counted(count)}** here: what everybody sees, and what you asked privately. The "
            "messages in Discord stay, and there is no way back.",
            ephemeral=True,
            view=build_row(Button(_CLEAR, "Forget them", danger=True)),
        )

    async def _clear(self, interaction: discord.Interaction, _: int) -> None:
        requester = requester_of(interaction)
        self._history.check_clearing(requester)
        await interaction.response.defer()
        cleared = await self._history.clear(requester)
        await interaction.edit_original_response(content=f"Done: I have forgotten {counted(cleared)}.", view=None)


def _build_paging_buttons(turn_page: TurnPage) -> discord.ui.View | None:
    """Return the buttons for the pages around this one, if there are any."""
    older = turn_page.total - turn_page.newer - len(turn_page.turns)
    if not turn_page.turns or not (turn_page.newer or older):
        return None
    return build_row(
        Button(_NEWER, "Newer", turn_page.turns[0].id, disabled=not turn_page.newer),
        Button(_OLDER, "Older", turn_page.turns[-1].id, disabled=not older),
    )


async def _show_page(interaction: discord.Interaction, turn_page: TurnPage) -> None:
    await interaction.response.edit_message(content=history.page(turn_page), view=_build_paging_buttons(turn_page))


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(HistoryCog(bot.services.history, bot.buttons))
