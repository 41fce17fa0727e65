"""/history: what is remembered of a conversation, to look at, to take along, to clear."""

import io
from datetime import UTC, datetime
from typing import Final, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.context import Permission
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_output import acknowledge
from bot.discord_ui.lists import shorten
from bot.discord_ui.tree import PERMISSION, READS
from bot.history.exports import build_jump_link
from bot.history.history import ExportFormat, History
from bot.messages import history as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.store.turn_reader import TurnPage
from bot.store.turns import Turn

_OLDER: Final = "history-older"
_NEWER: Final = "history-newer"
_CLEAR: Final = "history-clear"

# With these, five turns fit a message even where every letter needs an escape.
_MAX_NAME_CHARACTERS: Final = 40
MAX_TEXT_CHARACTERS: Final = 95


class HistoryCog(commands.GroupCog, group_name="history", group_description="The history of a conversation"):
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
            await interaction.response.send_message(format_page(turn_page), ephemeral=True, suppress_embeds=True)
        else:
            await interaction.response.send_message(
                format_page(turn_page), ephemeral=True, suppress_embeds=True, view=view
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
        await acknowledge(interaction, private=True)
        export = await self._history.export(requester, ExportFormat(format), interaction.filesize_limit)
        await interaction.edit_original_response(
            content=render(texts.exported(export.turns, export.total)),
            attachments=[discord.File(io.BytesIO(export.data), export.filename)],
        )

    @app_commands.command(extras={PERMISSION: Permission.MANAGE_MESSAGES})
    async def clear(self, interaction: discord.Interaction) -> None:
        """Delete this conversation's history."""
        requester = requester_of(interaction)
        count = await self._history.count(requester)
        if not count:
            await interaction.response.send_message(render(texts.nothing_to_clear()), ephemeral=True)
            return
        await interaction.response.send_message(
            render(texts.clear_confirmation(count)),
            ephemeral=True,
            view=build_row(Button(_CLEAR, render(texts.clear_button()), danger=True)),
        )

    async def _clear(self, interaction: discord.Interaction, _: int) -> None:
        requester = requester_of(interaction)
        self._history.check_clearing(requester)
        await interaction.response.defer()
        cleared = await self._history.clear(requester)
        await interaction.edit_original_response(content=render(texts.cleared(cleared)), view=None)


def _build_paging_buttons(turn_page: TurnPage) -> discord.ui.View | None:
    """Return the buttons for the pages around this one, if there are any."""
    older = turn_page.total - turn_page.newer - len(turn_page.turns)
    if not turn_page.turns or not (turn_page.newer or older):
        return None
    return build_row(
        Button(_NEWER, render(texts.newer_button()), turn_page.turns[0].id, disabled=not turn_page.newer),
        Button(_OLDER, render(texts.older_button()), turn_page.turns[-1].id, disabled=not older),
    )


async def _show_page(interaction: discord.Interaction, turn_page: TurnPage) -> None:
    await interaction.response.edit_message(content=format_page(turn_page), view=_build_paging_buttons(turn_page))


def format_page(turn_page: TurnPage) -> str:
    """Return a page of turns as a message, the newest first."""
    if not turn_page.turns:
        return render(texts.page_empty() if turn_page.total else texts.nothing_stored())
    first, last = turn_page.newer + 1, turn_page.newer + len(turn_page.turns)
    heading = texts.page_heading(first, last, turn_page.total)
    return "\n".join(map(render, [heading, *map(_build_entry, turn_page.turns)]))


def _build_entry(turn: Turn) -> Message:
    author = shorten(turn.author_name, _MAX_NAME_CHARACTERS)
    asked_at = datetime.fromtimestamp(turn.created_at_ms / 1000, UTC)
    files = "".join(f" [{name}]" for name in turn.files)
    question, answer = shorten(turn.question + files, MAX_TEXT_CHARACTERS), shorten(turn.answer, MAX_TEXT_CHARACTERS)
    if turn.private:
        return texts.page_entry_private(author, asked_at, question, answer)
    if (link := build_jump_link(turn)) is not None:
        return texts.page_entry_with_link(author, asked_at, link, question, answer)
    return texts.page_entry(author, asked_at, question, answer)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(HistoryCog(bot.services.history, bot.buttons))
