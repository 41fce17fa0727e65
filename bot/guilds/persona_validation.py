"""What a persona's name and text can be made of, and when two names are the same.

Names are shown between backticks, where Discord takes everything but a backtick as it is.
"""

import unicodedata
from typing import Final

from bot.errors import InvalidOption
from bot.messages import personas as texts
from bot.messages.message import Message
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
