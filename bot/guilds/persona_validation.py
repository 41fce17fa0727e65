"""What a persona's name and text can be made of, and when two names are the same.

Names are shown between backticks, where Discord takes everything but a backtick as it is.
"""

import unicodedata
from typing import Final

from bot.errors import InvalidOption
from bot.messages.message import plain
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
        raise InvalidOption("empty name", message=plain("A persona's name needs something that can be seen."))
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidOption(
            f"name of {len(name)} characters",
            message=plain(
                f"A persona's name has at most {MAX_NAME_CHARACTERS} characters, and this one has {len(name):,}."
            ),
        )
    return name


MAX_TEXT_CHARACTERS: Final = 4000
"""The most that a modal's text field takes."""


def validate_text(typed: str, *, advice: str = "") -> str:
    """Return a persona's text without the blanks around it.

    Args:
        typed: what was written.
        advice: what to do instead, for the sentence about an empty text.

    Raises:
        InvalidOption: it is empty or too long.
    """
    text = typed.strip()
    if not text:
        raise InvalidOption("empty persona", message=plain(f"A persona needs a few words.{advice}"))
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidOption(
            f"persona of {len(text)} characters",
            message=plain(
                f"That persona has {len(text):,} characters, and {MAX_TEXT_CHARACTERS:,} is the most I can keep."
            ),
        )
    return text
