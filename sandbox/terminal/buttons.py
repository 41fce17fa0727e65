"""The prompt's commands for buttons and modals."""

from collections.abc import Awaitable, Callable

from sandbox.client.components import find_buttons, find_text_field
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.messages import Message
from sandbox.json_object import Json
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.parser import InputError

BUTTON_HELP = """\
  /press Regenerate              press the newest button of that name in this channel
  /fill a cat                    write that into the form that opened, and send it"""

Watch = Callable[[InteractionResult], Awaitable[None]]


class ButtonCommands:
    """Runs the commands for buttons and modals.

    Args:
        get_user: returns the current user.
        list_messages: returns the messages that they see.
        watch: shows a result.
    """

    def __init__(
        self,
        output: TerminalOutput,
        get_user: Callable[[], ClientUser],
        list_messages: Callable[[], list[Message]],
        watch: Watch,
    ) -> None:
        self._output = output
        self._get_user = get_user
        self._list_messages = list_messages
        self._watch = watch
        self._form: tuple[ClientUser, InteractionResult] | None = None
        self.commands: dict[str, Callable[[str], Awaitable[None]]] = {"press": self._press, "fill": self._fill}

    def show_modal(self, used: InteractionResult) -> None:
        """Keep the modal that an interaction opened, if any, and say so."""
        if used.modal is not None:
            self._form = (self._get_user(), used)
            self._output.line(f"  A form opens: {used.modal['title']}. Type /fill and what to write.")

    async def _press(self, label: str) -> None:
        newest: dict[str, tuple[Message, Json]] = {}
        for message in self._list_messages():
            for button in find_buttons(message.components):
                if button.get("label") and not button.get("disabled"):
                    newest[button["label"]] = (message, button)
        found = next((each for name, each in newest.items() if name.casefold() == label.casefold()), None)
        if found is None:
            raise InputError(f"Say which button: /press NAME. There are: {', '.join(newest) or 'none'}.")
        message, button = found
        used = await self._get_user().clicks(message, button["custom_id"])
        await self._watch(used)
        self.show_modal(used)
        if not used.messages and used.modal is None:
            if message.deleted:
                self._output.line("  The message is gone.")
            else:
                self._output.message(message)

    async def _fill(self, text: str) -> None:
        if self._form is None or not text:
            raise InputError("Open a form first, then say what to write: /fill TEXT.")
        user, opened = self._form
        assert opened.modal is not None, "only those that opened are kept"
        used = await user.submits(opened, **{find_text_field(opened.modal): text})
        self._form = None
        await self._watch(used)
