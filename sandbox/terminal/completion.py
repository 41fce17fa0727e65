"""Completion at the prompt: commands, their options, and the choices of an option."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from sandbox.json_object import Json
from sandbox.terminal.parser import list_commands

_LAST_OPTION = re.compile(r"(?:^|\s)(\w+):\s*(\S*)$")


class CommandCompleter(Completer):
    """Completes the prompt's own commands and the bot's.

    Args:
        own: names of the prompt's own commands.
        get_commands: returns the commands that the bot registered.
    """

    def __init__(self, own: Sequence[str], get_commands: Callable[[], Sequence[Json]]) -> None:
        self._own = own
        self._get_commands = get_commands

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what may follow the text before the cursor."""
        del complete_event
        text = document.text_before_cursor
        if not text.startswith("/"):
            return
        commands = list_commands(self._get_commands())
        for name in (*self._own, *commands):
            if f"/{name}".startswith(text):
                yield Completion(f"/{name}", start_position=-len(text))
        path = max((name for name in commands if text.startswith(f"/{name} ")), key=len, default=None)
        if path is not None:
            yield from _complete_options(text[len(path) + 2 :], commands[path].get("options", []))


def _complete_options(text: str, options: Sequence[Json]) -> Iterator[Completion]:
    open_option = _LAST_OPTION.search(text)
    if open_option is not None:
        for choice in next((option.get("choices", []) for option in options if option["name"] == open_option[1]), ()):
            if choice["name"].casefold().startswith(open_option[2].casefold()):
                yield Completion(choice["name"], start_position=-len(open_option[2]))
    word = text.rsplit(" ", 1)[-1]
    for option in options:
        if option["name"].startswith(word) and f"{option['name']}:" not in text:
            yield Completion(f"{option['name']}: ", start_position=-len(word))
