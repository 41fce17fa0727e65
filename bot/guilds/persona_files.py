"""A guild's personas: which names and texts are allowed, and their file as docs/reference/personas.md describes it."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.errors import InvalidOption
from bot.messages import personas as texts
from bot.messages.message import Message
from bot.store.personas import StoredPersona
from bot.text_work import normalize

MAX_NAME_CHARACTERS: Final = 32

_JOINER: Final = "\u200d"
"""Joins several emoji into one: the only invisible character that stays in a name."""

_VARIATION_SELECTORS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""They choose how the character before them looks."""


def tidy_name(typed: str) -> str:
    """Return a name as it is shown: on one line, without invisible characters, and without backticks."""
    line = " ".join(typed.split())
    seen = "".join(each for each in line if each == _JOINER or unicodedata.category(each) not in ("Cc", "Cf", "Cs"))
    # At the end, since there is a character that is a backtick by its normal form.
    return " ".join(normalize("NFC", seen).split()).replace("`", "'")


def name_key(name: str) -> str:
    """Return what a name is looked up by: the same for all ways to write it that look alike."""
    plain = "".join(each for each in tidy_name(name) if each != _JOINER and each not in _VARIATION_SELECTORS)
    return normalize("NFKC", normalize("NFKC", plain).casefold())


def validate_name(typed: str) -> str:
    """Return a new name, tidied.

    Raises:
        InvalidOption: nothing of it can be seen, or it is too long.
    """
    name = tidy_name(typed)
    if not any(unicodedata.category(each)[0] not in "ZM" for each in name if each != _JOINER):
        raise InvalidOption("empty name", message=texts.empty_name())
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidOption(
            f"name of {len(name)} characters",
            message=texts.name_too_long(len(name), MAX_NAME_CHARACTERS),
        )
    return name


MAX_TEXT_CHARACTERS: Final = 4000
"""The most that a modal's text field takes."""


def validate_text(typed: str, *, empty: Message | None = None) -> str:
    """Return a persona's text without the blanks around it.

    Args:
        typed: what was written.
        empty: what to say about an empty text, if there is something to do instead.

    Raises:
        InvalidOption: it is empty or too long.
    """
    text = typed.strip()
    if not text:
        raise InvalidOption("empty persona", message=empty or texts.empty_text())
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidOption(
            f"persona of {len(text)} characters",
            message=texts.text_too_long(len(text), MAX_TEXT_CHARACTERS),
        )
    return text


MAX_PERSONAS: Final = 50
"""In one guild: the list is read by people."""

MAX_FILE_BYTES: Final = 4 * 2**20
"""As many personas as a guild can have take 2.4 MB where each letter is written as an escape."""

FORMAT: Final = "multiappai-discord-personas"
VERSION: Final = 1
"""Of the format; goes up when something in it changes its meaning."""

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
    problems: list[Message] = []
    found: list[StoredPersona] = []
    numbers_by_key: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            problems.append(texts.no_object(number))
            continue
        name = _read_text(entry, "name", validate_name, number, problems)
        persona = _read_text(entry, "text", validate_text, number, problems)
        if name is None:
            continue
        key = name_key(name)
        if (first := numbers_by_key.setdefault(key, number)) != number:
            problems.append(texts.same_name(number, first))
        found.append(StoredPersona(key, name, persona or ""))
    if problems:
        raise build_error(problems)
    return found


def build_error(problems: Sequence[Message]) -> InvalidOption:
    """Return the error about all that is wrong with a file, as far as it fits a message."""
    count, listed = len(problems), problems[:_MAX_PROBLEMS]
    message = texts.file_problem(listed[0])
    if count > 1:
        message = texts.file_problems(count, listed, count - len(listed))
    return InvalidOption(f"file with {count} problems", message=message)


def _read_entries(data: bytes) -> list[object]:
    """Return the entries of the file's list of personas, not yet checked."""
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        raise build_error([texts.no_json(error.lineno, error.colno)]) from None
    except (ValueError, RecursionError):  # invalid characters or numbers, lists nested too deeply
        raise build_error([texts.unreadable_file()]) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise build_error([texts.wrong_format(FORMAT)])
    if content.get("version") != VERSION or isinstance(content["version"], bool):
        raise build_error([texts.wrong_version(VERSION)])
    entries = content.get("personas")
    if not isinstance(entries, list):
        raise build_error([texts.no_list()])
    if not entries:
        raise build_error([texts.empty_file()])
    if len(entries) > MAX_PERSONAS:
        raise build_error([texts.too_many_in_file(len(entries), MAX_PERSONAS)])
    return entries


def _read_text(
    entry: dict[str, object], field: str, check: Callable[[str], str], number: int, problems: list[Message]
) -> str | None:
    """Return one field of a persona; None where it cannot be used, which is added to the problems."""
    value = entry.get(field)
    if not isinstance(value, str):
        problems.append(texts.field_missing(number, field))
        return None
    try:
        value.encode()
        return check(value)
    except UnicodeEncodeError:
        problems.append(texts.field_unstorable(number, field))
        return None
    except InvalidOption as refusal:
        problems.append(texts.entry_refused(number, refusal.message))
        return None
