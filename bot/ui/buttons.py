"""Buttons that work for as long as their message is there, also after a restart: all they carry is a name and ids.

discord.py would keep each message's buttons in memory for ever; here a pressed button is known by its custom id alone.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord

from bot.ui import notices
from bot.ui.tree import Tree

Pressed = Callable[[discord.Interaction, int], Awaitable[None]]
"""What is done when a button is pressed: its interaction, and the id that the button carries."""

_CUSTOM_ID: Final = re.compile(r"(?P<name>[a-z-]+):(?P<number>[0-9]{1,19})(?::(?P<asker>[0-9]{1,19}))?")
_ASKER: Final = "asker"


class Buttons:
    """Knows what each button does, and lets in those who may press one."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._pressed: dict[str, Pressed] = {}

    def on(self, name: str, pressed: Pressed) -> None:
        """Have `pressed` called when a button of that name is. Rights are for it to ask: time has passed since."""
        self._pressed[name] = pressed

    async def press(self, interaction: discord.Interaction) -> None:
        """Do what the pressed button is for, if it is known here; other interactions are passed over."""
        if interaction.type is not discord.InteractionType.component:
            return
        data: dict[str, Any] = dict(interaction.data or {})  # Any: Discord's JSON
        found = _CUSTOM_ID.fullmatch(str(data.get("custom_id")))
        pressed = self._pressed.get(found["name"]) if found else None
        if found is None or pressed is None or not await self._tree.interaction_check(interaction):
            return
        if found["asker"] is not None:
            interaction.extras[_ASKER] = int(found["asker"])
        try:
            await pressed(interaction, int(found["number"]))
        except Exception as error:
            # The same end as a command's: one sentence for the person, the details for the log.
            await notices.show(interaction, error)


def asker_of(interaction: discord.Interaction) -> int | None:
    """Tell whose business a pressed button is, if it says so."""
    asker = interaction.extras.get(_ASKER)
    return asker if isinstance(asker, int) else None
