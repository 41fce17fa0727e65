"""Which place on the roster an interaction has; carried by the interaction itself."""

from typing import Final

import discord

from bot.roster.entry import Entry

_ENTRY: Final = "roster entry"


def enter(interaction: discord.Interaction, entry: Entry) -> None:
    """Give an interaction its place."""
    interaction.extras[_ENTRY] = entry


def entry_of(interaction: discord.Interaction) -> Entry | None:
    """Return the place on the roster of an interaction that was admitted, if it has one."""
    entry = interaction.extras.get(_ENTRY)
    return entry if isinstance(entry, Entry) else None
