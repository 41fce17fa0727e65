"""Which place on the roster an interaction has; carried by the interaction itself."""

from typing import Final

import discord

from bot.inflight.request import InFlightRequest

_ENTRY: Final = "roster entry"


def enter(interaction: discord.Interaction, entry: InFlightRequest) -> None:
    """Give an interaction its place."""
    interaction.extras[_ENTRY] = entry


def entry_of(interaction: discord.Interaction) -> InFlightRequest | None:
    """Return the place on the roster of an interaction that was admitted, if it has one."""
    entry = interaction.extras.get(_ENTRY)
    return entry if isinstance(entry, InFlightRequest) else None
