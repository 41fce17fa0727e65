"""The buttons under answers: how they look, and by which names they are known when they are pressed."""

from typing import Final

import discord

from bot.discord_ui.components import Button, row
from bot.streaming.output import Action, AnswerButtons

_LABELS: Final = {
    Action.STOP: "Stop",
    Action.REGENERATE: "Regenerate",
    Action.CONTINUE: "Continue",
    Action.READ: "Read aloud",
    Action.DELETE: "Delete",
}


def name_of(action: Action) -> str:
    """Give the name of the button that does `action` to an answer."""
    return f"answer-{action}"


def drawn(buttons: AnswerButtons) -> discord.ui.View | None:
    """Draw buttons to be sent with a message; None where there are none."""
    if not buttons.actions:
        return None
    return row(*(Button(name_of(each), _LABELS[each], buttons.target_id) for each in buttons.actions))
