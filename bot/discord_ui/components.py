"""Buttons under messages: all they carry is a name and ids, so that they outlive the process."""

import re
from dataclasses import dataclass
from typing import Final

import discord

from bot.messages import answers as texts
from bot.messages.render import render
from bot.streaming.output import Action, AnswerButtons


@dataclass(frozen=True, slots=True)
class Button:
    """A button: the name it is known by, the id it carries, and how it looks."""

    name: str
    label: str
    number: int = 0
    danger: bool = False
    disabled: bool = False


def build_row(*buttons: Button) -> discord.ui.View:
    """Return buttons side by side, to send with a message."""
    view = discord.ui.View(timeout=None)
    for each in buttons:
        style = discord.ButtonStyle.danger if each.danger else discord.ButtonStyle.secondary
        custom_id = f"{each.name}:{each.number}"
        view.add_item(discord.ui.Button(style=style, label=each.label, custom_id=custom_id, disabled=each.disabled))
    view.stop()  # discord.py keeps no hold of one that is over
    return view


MAX_ID: Final = 2**63 - 1
"""What fits into a column of the database; Discord's own ids are far below it."""

_DIGITS: Final = re.compile(r"[0-9]{1,19}")


def parse_id(text: str) -> int | None:
    """Return the id that is written there; None where it is none, or one that nothing can have."""
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX_ID else None


_LABELS: Final = {
    Action.STOP: texts.stop_button(),
    Action.REGENERATE: texts.regenerate_button(),
    Action.CONTINUE: texts.continue_button(),
    Action.READ: texts.read_button(),
    Action.DELETE: texts.delete_button(),
}


def button_name(action: Action) -> str:
    """Return the name of the button that does `action` to an answer."""
    return f"answer-{action}"


def build_answer_view(buttons: AnswerButtons) -> discord.ui.View | None:
    """Return the buttons to send with a message; None where there are none."""
    if not buttons.actions:
        return None
    return build_row(*(Button(button_name(each), render(_LABELS[each]), buttons.target_id) for each in buttons.actions))
