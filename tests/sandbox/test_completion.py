"""Completion at the prompt."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from sandbox.terminal.completion import CommandCompleter

SIZES = [{"name": "Square", "value": "1"}, {"name": "Wide", "value": "2"}]
COMMANDS = [
    {
        "type": 1,
        "name": "draw",
        "options": [{"type": 3, "name": "prompt"}, {"type": 3, "name": "size", "choices": SIZES}],
    },
    {"type": 1, "name": "voice", "options": [{"type": 1, "name": "join"}, {"type": 1, "name": "stop"}]},
]


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("hello", []),
        ("/", ["/people", "/draw", "/voice join", "/voice stop"]),
        ("/voice s", ["/voice stop"]),
        ("/draw ", ["prompt: ", "size: "]),
        ("/draw prompt: a cat s", ["size: "]),
        ("/draw size: w", ["Wide"]),
        ("/draw size: Wide p", ["prompt: "]),
        ("/nothing ", []),
    ],
)
def test_commands_options_and_choices_are_completed(text: str, completed: list[str]) -> None:
    completer = CommandCompleter(["people"], lambda: COMMANDS)
    assert [each.text for each in completer.get_completions(Document(text), CompleteEvent())] == completed
