"""What one types at the sandbox's prompt to press buttons and fill in forms."""

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
    """Obeys the words about buttons and forms.

    Args:
        who: says who is typing.
        seen: says what is on their screen.
        watch: shows what comes of it.
    """

    def __init__(
        self, output: TerminalOutput, who: Callable[[], ClientUser], seen: Callable[[], list[Message]], watch: Watch
    ) -> None:
        self._output = output
        self._who = who
        self._seen = seen
        self._watch = watch
        self._form: tuple[ClientUser, InteractionResult] | None = None
        self.words: dict[str, Callable[[str], Awaitable[None]]] = {"press": self._press, "fill": self._fill}

    def opened(self, used: InteractionResult) -> None:
        """Tell of a form, if one opened."""
        if used.modal is not None:
            self._form = (self._who(), used)
            self._output.line(f"  A form opens: {used.modal['title']}. Type /fill and what to write.")

    async def _press(self, label: str) -> None:
        newest: dict[str, tuple[Message, Json]] = {}
        for message in self._seen():
            for button in find_buttons(message.components):
                if button.get("label") and not button.get("disabled"):
                    newest[button["label"]] = (message, button)
        found = next((each for name, each in newest.items() if name.casefold() == label.casefold()), None)
        if found is None:
            raise InputError(f"Say which button: /press NAME. There are: {', '.join(newest) or 'none'}.")
        message, button = found
        used = await self._who().clicks(message, button["custom_id"])
        await self._watch(used)
        self.opened(used)
        if not used.messages and used.modal is None:
            if message.deleted:
                self._output.line("  The message is gone.")
            else:
                self._output.message(message)

    async def _fill(self, text: str) -> None:
        if self._form is None or not text:
            raise InputError("Open a form first, then say what to write: /fill TEXT.")
        person, opened = self._form
        assert opened.modal is not None, "only those that opened are kept"
        used = await person.submits(opened, **{find_text_field(opened.modal): text})
        self._form = None
        await self._watch(used)
