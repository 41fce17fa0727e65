"""A guild's personas as a file, as docs/reference/personas.md describes it."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.errors import InvalidOption
from bot.guilds import persona_validation
from bot.messages.message import plain
from bot.messages.render import render
from bot.store.personas import StoredPersona

MAX_PERSONAS: Final = 50
"""In one guild: the list is read by people."""

MAX_FILE_BYTES: Final = 4 * 2**20
"""As many personas as a guild can have take 2.4 MB where each letter is written as an escape."""

FORMAT: Final = "multiappai-discord-personas"
VERSION: Final = 1
"""Of the format; goes up when something in it changes its meaning."""

UNREADABLE: Final = "The file isn't JSON that I can read."

_MAX_PROBLEMS: Final = 12
"""So many problems fit a message."""


def encode(personas: Iterable[StoredPersona], guild_id: int, at: datetime) -> bytes:
    """Return personas as a file."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "server_id": str(guild_id),
        "personas": [{"name": each.name, "text": each.persona} for each in personas],
    }
    return f"{json.dumps(content, ensure_ascii=False, indent=2)}\n".encode()


def decode(data: bytes) -> list[StoredPersona]:
    """Return the personas in a file, all of them or none. For a worker.

    Raises:
        InvalidOption: they cannot be used; the sentence has one more for each problem.
    """
    entries = _read_entries(data)
    problems: list[str] = []
    found: list[StoredPersona] = []
    numbers_by_key: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            problems.append(f"Persona {number} has to be an object with `name` and `text`.")
            continue
        name = _read_text(entry, "name", persona_validation.validate_name, number, problems)
        persona = _read_text(entry, "text", persona_validation.validate_text, number, problems)
        if name is None:
            continue
        key = persona_validation.name_key(name)
        if (first := numbers_by_key.setdefault(key, number)) != number:
            problems.append(f"Persona {number} has the same name as persona {first}.")
        found.append(StoredPersona(key, name, persona or ""))
    if problems:
        raise build_error(problems)
    return found


def build_error(problems: Sequence[str]) -> InvalidOption:
    """Return the error about all that is wrong with a file, as far as it fits a message."""
    listed = [*problems[:_MAX_PROBLEMS]]
    if len(problems) > len(listed):
        listed.append(f"…and {len(problems) - len(listed)} more like these.")
    lines = [f"I imported nothing. {listed[0]}"]
    if len(problems) > 1:
        lines = [f"I imported nothing: there are {len(problems)} problems.", *(f"- {each}" for each in listed)]
    return InvalidOption(f"file with {len(problems)} problems", message=plain("\n".join(lines)))


def _read_entries(data: bytes) -> list[object]:
    """Return the entries of the file's list of personas, not yet checked."""
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        where = f"it can't be read from line {error.lineno}, column {error.colno} on"
        raise build_error([f"The file isn't JSON: {where}."]) from None
    except (ValueError, RecursionError):  # invalid characters or numbers, lists nested too deeply
        raise build_error([UNREADABLE]) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise build_error([f"The file has to be a JSON object whose `format` is `{FORMAT}`."])
    if content.get("version") != VERSION or isinstance(content["version"], bool):
        raise build_error([f"The file's `version` has to be {VERSION}: I know no other."])
    entries = content.get("personas")
    if not isinstance(entries, list):
        raise build_error(["The file's `personas` have to be a list."])
    if not entries:
        raise build_error(["There are no personas in the file."])
    if len(entries) > MAX_PERSONAS:
        raise build_error([f"The file has {len(entries):,} personas, and a server can have {MAX_PERSONAS}."])
    return entries


def _read_text(
    entry: dict[str, object], field: str, check: Callable[[str], str], number: int, problems: list[str]
) -> str | None:
    """Return one field of a persona; None where it cannot be used, which is added to the problems."""
    value = entry.get(field)
    if not isinstance(value, str):
        problems.append(f"Persona {number} needs a `{field}`, which has to be a text.")
        return None
    try:
        value.encode()
        return check(value)
    except UnicodeEncodeError:
        problems.append(f"Persona {number} has half a character in its `{field}`, which can't be kept.")
        return None
    except InvalidOption as refusal:
        problems.append(f"Persona {number}: {render(refusal.message)}")
        return None
