"""Forms with one long text, opened by a command and sent back by whoever fills them in.

discord.py would keep each open form in memory for ever, and forget all of them with the process; here a form is known
by its name and what it is about, so one that was opened before a restart can still be sent after it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord

from bot.ui import notices
from bot.ui.tree import Tree

Sent = Callable[[discord.Interaction, str, str], Awaitable[None]]
"""What is done with a form that was sent: its interaction, the text, and what it is about where it was opened so."""

_TEXT: Final = "text"


class Forms:
    """Knows what to do with each form, and lets in those who may send one."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._sent: dict[str, Sent] = {}

    def on(self, name: str, sent: Sent) -> None:
        """Have `sent` called with each form of that name; the name is Discord's custom id of it."""
        self._sent[name] = sent

    async def open(
        self,
        interaction: discord.Interaction,
        name: str,
        *,
        title: str,
        label: str,
        text: str,
        longest: int,
        about: str = "",
    ) -> None:
        """Answer `interaction` with the form called `name`, which holds `text` and takes `longest` characters.

        `about` comes back with it: short enough that both fit a custom id, and nothing that is to be trusted.
        """
        modal = discord.ui.Modal(title=title, custom_id=f"{name}:{about}" if about else name)
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(  # Any: the view it is in
            custom_id=_TEXT, style=discord.TextStyle.paragraph, default=text[:longest], max_length=longest
        )
        modal.add_item(discord.ui.Label(text=label, component=field))
        modal.stop()  # discord.py keeps no hold of one that is over
        await interaction.response.send_modal(modal)

    async def submitted(self, interaction: discord.Interaction) -> None:
        """Take what was sent, if it is a form known here; other interactions are passed over."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        data: dict[str, Any] = dict(interaction.data or {})  # Any: Discord's JSON
        name, _, about = str(data.get("custom_id")).partition(":")
        sent = self._sent.get(name)
        if sent is None or not await self._tree.interaction_check(interaction):
            return
        try:
            await sent(interaction, _typed(data), about)
        except Exception as error:
            # The same end as a command's: one sentence for the person, the details for the log.
            await notices.show(interaction, error)


def _typed(data: dict[str, Any]) -> str:  # Any: Discord's JSON
    """Find the text among a form's components, however deep it lies."""
    if data.get("custom_id") == _TEXT:
        return str(data.get("value") or "")
    inner = [*data.get("components", []), *([data["component"]] if "component" in data else [])]
    return "".join(_typed(each) for each in inner)
