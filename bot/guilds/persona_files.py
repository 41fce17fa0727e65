"""A server's personas as a file, as docs/reference/personas.md describes it."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.errors import InvalidOption
from bot.guilds import persona_names, persona_text
from bot.messages.message import plain
from bot.messages.render import render
from bot.store.personas import StoredPersona

MOST_PRESETS: Final = 50
"""In one server: the list is to be read by people."""

LARGEST_FILE: Final = 4 * 2**20
"""Bytes. As many personas as a server may have take 2.4 MB where each letter is written as an escape."""

FORMAT: Final = "multiappai-discord-personas"
VERSION: Final = 1
"""Of the files' form; goes up when something in them changes its meaning."""

UNREADABLE: Final = "The file isn't JSON that I can read."

_MOST_TOLD: Final = 12
"""Problems that are told: so many fit a message."""


def written(presets: Iterable[StoredPersona], guild_id: int, at: datetime) -> bytes:
    """Write personas down."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "server_id": str(guild_id),
        "personas": [{"name": each.name, "text": each.persona} for each in presets],
    }
    return f"{json.dumps(content, ensure_ascii=False, indent=2)}\n".encode()


def read(data: bytes) -> list[StoredPersona]:
    """Read the personas in a file, all of them or none. For a worker.

    Raises:
        InvalidOption: they cannot be used; the sentence has one more for each problem.
    """
    entries = _entries(data)
    problems: list[str] = []
    found: list[StoredPersona] = []
    numbers: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            problems.append(f"Persona {number} has to be an object with `name` and `text`.")
            continue
        name = _text(entry, "name", persona_names.checked, number, problems)
        persona = _text(entry, "text", persona_text.checked, number, problems)
        if name is None:
            continue
        folded = persona_names.folded(name)
        if (first := numbers.setdefault(folded, number)) != number:
            problems.append(f"Persona {number} has the same name as persona {first}.")
        found.append(StoredPersona(folded, name, persona or ""))
    if problems:
        raise unusable(problems)
    return found


def unusable(problems: Sequence[str]) -> InvalidOption:
    """Tell all that is wrong with a file, as far as it fits a message."""
    told = [*problems[:_MOST_TOLD]]
    if len(problems) > len(told):
        told.append(f"…and {len(problems) - len(told)} more like these.")
    lines = [f"I imported nothing. {told[0]}"]
    if len(problems) > 1:
        lines = [f"I imported nothing: there are {len(problems)} problems.", *(f"- {each}" for each in told)]
    return InvalidOption(f"file with {len(problems)} problems", message=plain("\n".join(lines)))


def _entries(data: bytes) -> list[object]:
    """Read the file's frame, and give what stands for personas in it."""
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        where = f"it can't be read from line {error.lineno}, column {error.colno} on"
        raise unusable([f"The file isn't JSON: {where}."]) from None
    except (ValueError, RecursionError):  # letters or numbers that there are not, lists within lists without end
        raise unusable([UNREADABLE]) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise unusable([f"The file has to be a JSON object whose `format` is `{FORMAT}`."])
    if content.get("version") != VERSION or isinstance(content["version"], bool):
        raise unusable([f"The file's `version` has to be {VERSION}: I know no other."])
    entries = content.get("personas")
    if not isinstance(entries, list):
        raise unusable(["The file's `personas` have to be a list."])
    if not entries:
        raise unusable(["There are no personas in the file."])
    if len(entries) > MOST_PRESETS:
        raise unusable([f"The file has {len(entries):,} personas, and a server can have {MOST_PRESETS}."])
    return entries


def _text(
    entry: dict[str, object], field: str, check: Callable[[str], str], number: int, problems: list[str]
) -> str | None:
    """Read one field of a persona; None where it cannot be used, which is put to the problems."""
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
