"""Parsing of typed commands: `/ask prompt: hello private: true`, or `/ask hello`."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.discord.validation.commands import CHAT_INPUT, GROUP, SUBCOMMAND
from sandbox.json_object import Json


class InputError(Exception):
    """Invalid input, with a sentence for the user."""


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """A command and the texts of its options; `name` is its full name, such as `channel model`."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


def list_commands(commands: Sequence[Json]) -> dict[str, Json]:
    """Return all slash commands and subcommands by full name, with the definition that has their options."""
    found: dict[str, Json] = {}

    def walk(prefix: str, entry: Json) -> None:
        inner = [o for o in entry.get("options", []) if o["type"] in (SUBCOMMAND, GROUP)]
        if not inner:
            found[prefix] = entry
        for option in inner:
            walk(f"{prefix} {option['name']}", option)

    for command in commands:
        if command["type"] == CHAT_INPUT:
            walk(command["name"], command)
    return found


def format_usage(path: str, definition: Json) -> str:
    """Return a command's usage: `/draw prompt: [size:] [n:]`."""
    words = [f"{o['name']}:" if o.get("required") else f"[{o['name']}:]" for o in definition.get("options", [])]
    return " ".join([f"/{path}", *words])


def parse(line: str, commands: Sequence[Json]) -> ParsedCommand:
    """Return a typed slash command.

    Raises:
        InputError: there is no such command, or a required option is missing.
    """
    known = list_commands(commands)
    words = line.removeprefix("/")
    path = max((name for name in known if f"{words} ".startswith(f"{name} ")), key=len, default=None)
    if path is None:
        raise InputError(_unknown(words, known))
    definition = known[path]
    options = _texts(words[len(path) :].strip(), definition, path)
    for option in definition.get("options", []):
        if option.get("required") and option["name"] not in options:
            raise InputError(f"/{path} needs {option['name']}. It goes: {format_usage(path, definition)}")
    return ParsedCommand(path, options)


def _unknown(words: str, known: Mapping[str, Json]) -> str:
    first = words.split(" ", 1)[0]
    inside = [f"/{name}" for name in known if name.startswith(f"{first} ")]
    if inside:
        return f"/{first} goes on with one of: {', '.join(inside)}."
    close = difflib.get_close_matches(first, known, n=1)
    hint = f" Did you mean /{close[0]}?" if close else " Type ? to see what there is."
    return f"There is no command /{first}.{hint}"


def _texts(rest: str, definition: Json, path: str) -> dict[str, str]:
    """Return the text of each option; what precedes the first name is for the first option."""
    options = definition.get("options", [])
    if not rest:
        return {}
    if not options:
        raise InputError(f"/{path} takes no options.")
    names = "|".join(re.escape(option["name"]) for option in options)
    marks = list(re.finditer(rf"(?:^|(?<=\s))({names}):\s*", rest))
    texts: dict[str, str] = {}
    before = rest[: marks[0].start()].strip() if marks else rest
    if before:
        texts[options[0]["name"]] = before
    ends = [mark.start() for mark in marks[1:]] + [len(rest)]
    for mark, end in zip(marks, ends, strict=False):
        if mark[1] in texts:
            raise InputError(f"{mark[1]} is there twice.")
        texts[mark[1]] = rest[mark.end() : end].strip()
    for name, text in texts.items():
        if not text:
            raise InputError(f"{name}: has nothing after it.")
    return texts
