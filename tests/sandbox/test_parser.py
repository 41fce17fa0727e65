"""Reading what is typed at the prompt."""

from typing import Any

import pytest

from sandbox.terminal.parser import InputError, ParsedCommand, format_usage, list_commands, parse

COMMANDS: list[dict[str, Any]] = [
    {
        "type": 1,
        "name": "ask",
        "options": [
            {"type": 3, "name": "prompt", "required": True},
            {"type": 3, "name": "model"},
            {"type": 5, "name": "private"},
        ],
    },
    {
        "type": 1,
        "name": "draw",
        "options": [{"type": 3, "name": "prompt", "required": True}, {"type": 4, "name": "n"}],
    },
    {
        "type": 1,
        "name": "channel",
        "options": [
            {
                "type": 1,
                "name": "model",
                "options": [
                    {"type": 3, "name": "model", "required": True},
                    {
                        "type": 3,
                        "name": "kind",
                        "choices": [{"name": "Chat", "value": "chat"}, {"name": "Image", "value": "image"}],
                    },
                ],
            }
        ],
    },
    {"type": 1, "name": "help"},
    {"type": 3, "name": "Ask about this"},
]


@pytest.mark.parametrize(
    ("line", "name", "options"),
    [
        ("/ask hello there", "ask", {"prompt": "hello there"}),
        ("/ask prompt: hello private: true", "ask", {"prompt": "hello", "private": "true"}),
        ("/ask hello private:no", "ask", {"prompt": "hello", "private": "no"}),
        ("/ask private: on prompt: see https://a.b/c: it", "ask", {"private": "on", "prompt": "see https://a.b/c: it"}),
        ("/ask is 3:2 a ratio?", "ask", {"prompt": "is 3:2 a ratio?"}),
        ("/draw a cat n: 2", "draw", {"prompt": "a cat", "n": "2"}),
        ("/channel model gpt-4.1-mini", "channel model", {"model": "gpt-4.1-mini"}),
        ("/channel model model: dall-e-2 kind: image", "channel model", {"model": "dall-e-2", "kind": "image"}),
        ("/help", "help", {}),
    ],
)
def test_a_typed_command_is_understood(line: str, name: str, options: dict[str, Any]) -> None:
    assert parse(line, COMMANDS) == ParsedCommand(name, options)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/aks hello", "There is no command /aks. Did you mean /ask?"),
        ("/zzz", "There is no command /zzz. Type ? to see what there is."),
        ("/channel", "/channel goes on with one of: /channel model."),
        ("/ask", "/ask needs prompt. It goes: /ask prompt: [model:] [private:]"),
        ("/ask prompt:", "prompt: has nothing after it."),
        ("/ask prompt: a prompt: b", "prompt is there twice."),
        ("/help me", "/help takes no options."),
    ],
)
def test_a_mistake_is_told_in_a_sentence(line: str, told: str) -> None:
    with pytest.raises(InputError) as mistake:
        parse(line, COMMANDS)
    assert str(mistake.value) == told


def test_subcommands_are_listed_and_menus_are_not() -> None:
    known = list_commands(COMMANDS)
    assert list(known) == ["ask", "draw", "channel model", "help"]
    assert format_usage("channel model", known["channel model"]) == "/channel model model: [kind:]"
