"""Modals with one long text and perhaps a choice, opened by a command.

discord.py would keep each open modal in memory until the process ends; here a modal is found by its name and what it is
about, so that one that was opened before a restart can still be submitted after it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.discord_ui import error_messages
from bot.discord_ui.event_gate import EventGate
from bot.discord_ui.tree import CommandTree
from bot.errors import UserError
from bot.messages import errors as texts

ModalHandler = Callable[[discord.Interaction, str, str], Awaitable[None]]
"""What handles a submitted modal: its interaction, the text, and what it is about, or ""."""

RecognizesTopic = Callable[[discord.Interaction, str], bool]
"""Whether this process has what a modal is about; if not, another process may."""

_TEXT: Final = "text"
_CHOICE: Final = "choice"


class UnknownModal(UserError):
    """No modal of the bot's has that custom id, or none has any more."""

    message = texts.form_expired()


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose in a modal: what is asked, each value with what it is called, and what is chosen at first."""

    label: str
    options: Mapping[str, str]
    default: str


class Modals:
    """Routes each submitted modal to its handler, for those who may submit one."""

    def __init__(self, tree: CommandTree) -> None:
        self._tree = tree
        self._handlers: dict[str, ModalHandler] = {}
        self._recognizes: dict[str, RecognizesTopic] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which modals are known."""
        return tuple(self._handlers)

    def register(self, name: str, handler: ModalHandler, *, recognizes: RecognizesTopic | None = None) -> None:
        """Have `handler` called with each modal of that name; the name is Discord's custom id of it.

        A modal about something that this process doesn't know is left to other processes for a moment.
        """
        self._handlers[name] = handler
        if recognizes is not None:
            self._recognizes[name] = recognizes

    async def open(
        self,
        interaction: discord.Interaction,
        name: str,
        *,
        title: str,
        label: str,
        text: str,
        max_length: int,
        about: str = "",
        choice: Choice | None = None,
    ) -> None:
        """Respond to `interaction` with the modal called `name`, which holds `text` and takes `max_length` characters.

        `about` comes back with it: short enough that both fit a custom id, and nothing that is to be trusted.
        """
        modal = discord.ui.Modal(title=title, custom_id=f"{name}:{about}" if about else name)
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(  # Any: the view it is in
            custom_id=_TEXT, style=discord.TextStyle.paragraph, default=text[:max_length] or None, max_length=max_length
        )
        modal.add_item(discord.ui.Label(text=label, component=field))
        if choice is not None:
            modal.add_item(discord.ui.Label(text=choice.label, component=_build_select(choice)))
        modal.stop()  # discord.py keeps no hold of one that is over
        await interaction.response.send_modal(modal)

    async def dispatch(self, interaction: discord.Interaction) -> None:
        """Call the handler of the submitted modal."""
        data: dict[str, Any] = dict(interaction.data or {})  # Any: Discord's JSON
        name, _, about = str(data.get("custom_id")).partition(":")
        handler = self._handlers.get(name)
        recognizes = self._recognizes.get(name)
        if recognizes is not None and not recognizes(interaction, about):
            gate: EventGate = self._tree.client.event_gate
            await gate.yield_to_other_processes()
        if not await self._tree.interaction_check(interaction):
            return
        try:
            if handler is None:
                raise UnknownModal("an unknown custom id")
            await handler(interaction, str(_find_field(interaction, _TEXT).get("value") or ""), about)
        except Exception as error:
            # The same end as a command's: one sentence for the person, the details for the log.
            await error_messages.show(interaction, error)


def get_choice(interaction: discord.Interaction) -> str | None:
    """Return what was chosen in a submitted modal; None where there was nothing to choose."""
    values = _find_field(interaction, _CHOICE).get("values")
    return str(values[0]) if isinstance(values, list) and values else None


def _build_select(choice: Choice) -> discord.ui.Select[Any]:  # Any: the view it is in
    options = [
        discord.SelectOption(label=label, value=value, default=value == choice.default)
        for value, label in choice.options.items()
    ]
    return discord.ui.Select(custom_id=_CHOICE, options=options)


def _find_field(interaction: discord.Interaction, custom_id: str) -> dict[str, Any]:  # Any: Discord's JSON
    data: dict[str, Any] = dict(interaction.data or {})  # Any: as above
    return next((each for each in _walk_fields(data) if each.get("custom_id") == custom_id), {})


def _walk_fields(data: dict[str, Any]) -> Iterator[dict[str, Any]]:  # Any: Discord's JSON
    """Yield a modal's components, nested ones too."""
    for each in (*data.get("components", []), *([data["component"]] if "component" in data else [])):
        yield each
        yield from _walk_fields(each)
