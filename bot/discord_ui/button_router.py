"""Buttons that work for as long as their message exists, also after a restart.

They carry only a name and an id. discord.py would keep each message's view in memory until the process ends; here a
pressed button is found by its custom id alone.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.discord_ui import error_messages
from bot.discord_ui.components import parse_id
from bot.discord_ui.tree import READS, CommandTree
from bot.errors import UserError
from bot.messages import errors as texts

ButtonHandler = Callable[[discord.Interaction, int], Awaitable[None]]
"""What is done when a button is pressed: its interaction, and the id that the button carries."""


class UnknownButton(UserError):
    """No button of the bot's carries that custom id, or none does any more."""

    message = texts.button_expired()


class ButtonRouter:
    """Routes each pressed button to its handler, for those who may press one."""

    def __init__(self, tree: CommandTree) -> None:
        self._tree = tree
        self._handlers: dict[str, ButtonHandler] = {}
        self._read_only: set[str] = set()
        self._private: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which buttons are known."""
        return tuple(self._handlers)

    def register(self, name: str, handler: ButtonHandler, *, reads: bool = False, private: bool = False) -> None:
        """Have `handler` called when a button of that name is. Rights are for it to ask: time has passed since.

        What only `reads` works on a full disk too. A `private` one is below messages that only one person sees.
        """
        self._handlers[name] = handler
        if reads:
            self._read_only.add(name)
        if private:
            self._private.add(name)

    async def dispatch(self, interaction: discord.Interaction) -> None:
        """Call the handler of the pressed button."""
        data: dict[str, Any] = dict(interaction.data or {})  # Any: Discord's JSON
        name, *ids = str(data.get("custom_id")).split(":")
        handler, numbers = self._handlers.get(name), [parse_id(each) for each in ids]
        interaction.extras[READS] = name in self._read_only
        if not await self._tree.interaction_check(interaction):
            return
        try:
            match numbers:
                case [int(number)] if handler is not None and self._can_be_below(name, interaction.message):
                    await handler(interaction, number)
                case _:
                    raise UnknownButton("an unknown custom id")
        except Exception as error:
            # The same end as a command's: one sentence for the person, the details for the log.
            await error_messages.show(interaction, error)

    def _can_be_below(self, name: str, message: discord.Message | None) -> bool:
        """Return whether a button of that name can be below a message: private content stays private."""
        return name not in self._private or (message is not None and message.flags.ephemeral)
