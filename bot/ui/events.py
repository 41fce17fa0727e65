"""What somebody did that wants an answer, as the gate sees it."""

from typing import Protocol

import discord

from bot.inflight.request import InFlightRequest
from bot.ui import notices
from bot.ui.entries import enter


class Event(Protocol):
    """Something that is answered once, and whose person can be told that they get no answer."""

    @property
    def id(self) -> int:
        """What it is claimed by: the id of an interaction or a message."""
        ...

    def enter(self, entry: InFlightRequest) -> None:
        """Take the place on the roster that it was given."""
        ...

    async def tell(self, error: Exception) -> bool:
        """Tell the person what went wrong; False where Discord would not take it."""
        ...

    async def tell_unless_answered(self, error: Exception) -> None:
        """Do as `tell` does, unless there are words of an answer already."""
        ...


class InteractionEvent:
    """A command, a button or a form."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self._interaction = interaction

    @property
    def id(self) -> int:
        """The interaction's id."""
        return self._interaction.id

    def enter(self, entry: InFlightRequest) -> None:
        """Let the interaction carry its place."""
        enter(self._interaction, entry)

    async def tell(self, error: Exception) -> bool:
        """Show it privately, or in place of "thinking…"."""
        return await notices.show(self._interaction, error)

    async def tell_unless_answered(self, error: Exception) -> None:
        """Do as `tell` does, where nothing but "thinking…" is there."""
        await notices.show_unless_answered(self._interaction, error)
