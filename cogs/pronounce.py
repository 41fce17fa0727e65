"""/pronounce: how a server has certain words said."""

from collections.abc import Sequence
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.context import Permission
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row
from bot.discord_ui.context import requester_of
from bot.discord_ui.lists import in_messages, shorten
from bot.discord_ui.tree import PERMISSION, READS, build_choices
from bot.messages import speech as texts
from bot.messages.render import render
from bot.speech.pronunciations import MAX_SAY_LENGTH, MAX_WORD_LENGTH, Pronunciations, Word

_PAGE: Final = "pronounce-page"


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
class PronounceCog(commands.GroupCog, group_name="pronounce", group_description="Pronunciations in this server"):
    """The words of one server.

    No default permission: Discord has them for whole groups only, and every member may see the list.
    """

    def __init__(self, pronunciations: Pronunciations, buttons: ButtonRouter) -> None:
        self._pronunciations = pronunciations
        buttons.register(_PAGE, self._turn_to, reads=True)

    @app_commands.command(extras={PERMISSION: Permission.MANAGE_SERVER})
    @app_commands.describe(
        word="The word as people write it; upper and lower case don't matter", say="What to say instead"
    )
    async def add(
        self,
        interaction: discord.Interaction,
        word: app_commands.Range[str, 1, MAX_WORD_LENGTH],
        say: app_commands.Range[str, 1, MAX_SAY_LENGTH],
    ) -> None:
        """Change how a word is spoken in this server."""
        added, before = await self._pronunciations.add(requester_of(interaction), word, say)
        word, say = _escape(added.word), _escape(added.say)
        message = (
            texts.pronunciation_added(word, say)
            if before is None
            else texts.pronunciation_replaced(word, say, _escape(before.say))
        )
        await interaction.response.send_message(render(message), ephemeral=True)

    @app_commands.command(extras={PERMISSION: Permission.MANAGE_SERVER})
    @app_commands.describe(word="The word whose pronunciation to remove")
    async def remove(self, interaction: discord.Interaction, word: app_commands.Range[str, 1, MAX_WORD_LENGTH]) -> None:
        """Remove a pronunciation."""
        removed = await self._pronunciations.remove(requester_of(interaction), word)
        message = (
            texts.unknown_pronunciation() if removed is None else texts.pronunciation_removed(_escape(removed.word))
        )
        await interaction.response.send_message(render(message), ephemeral=True)

    @remove.autocomplete("word")
    async def _complete_word(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_choices(await self._pronunciations.list_removable(requester_of(interaction)), typed)

    @app_commands.command(name="list", extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """List this server's pronunciations."""
        text, view = _build_page(await self._pronunciations.list(requester_of(interaction)), 0)
        if view is None:
            await interaction.response.send_message(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True, view=view)

    async def _turn_to(self, interaction: discord.Interaction, number: int) -> None:
        text, view = _build_page(await self._pronunciations.list(requester_of(interaction)), number)
        await interaction.response.edit_message(content=text, view=view)


def _build_page(words: Sequence[Word], number: int) -> tuple[str, discord.ui.View | None]:
    """Return one page, with the buttons for its neighbours if there are any."""
    if not words:
        return render(texts.pronunciation_list_empty()), None
    entries = (texts.pronunciation_list_entry(_escape(each.word), _escape(each.say)) for each in words)
    pages = in_messages([*map(render, [texts.pronunciation_list_heading(), *entries])])
    last = len(pages) - 1
    number = min(number, last)  # some may have been removed meanwhile
    if not last:
        return pages[0], None
    return pages[number], build_row(
        Button(_PAGE, render(texts.pronunciation_back_button()), max(number - 1, 0), disabled=number == 0),
        Button(_PAGE, render(texts.pronunciation_next_button()), min(number + 1, last), disabled=number == last),
    )


def _escape(text: str) -> str:
    return shorten(text, 2 * len(text))


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(PronounceCog(bot.services.pronunciations, bot.buttons))
