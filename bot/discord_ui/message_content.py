"""What a message shows: its text, its buttons and its file."""

import io
from dataclasses import dataclass

import discord

from bot.discord_ui.answer_buttons_view import drawn
from bot.streaming.output import NO_BUTTONS, AnswerButtons

File = tuple[str, bytes]
"""A name and what is in it."""


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a message shows."""

    text: str
    buttons: AnswerButtons = NO_BUTTONS
    file: File | None = None

    @property
    def uploads(self) -> list[discord.File]:
        """The file as it is sent."""
        if self.file is None:
            return []
        name, data = self.file
        return [discord.File(io.BytesIO(data), name)]

    @property
    def view(self) -> discord.ui.View | None:
        """The buttons as they are sent."""
        return drawn(self.buttons)
