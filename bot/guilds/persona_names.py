"""Names of personas: what is kept of one as it was typed, and when two are the same.

Names stand between backticks wherever they are shown, where Discord takes everything but a backtick as it is.
"""

import unicodedata
from typing import Final

from bot.errors import InvalidOption
from bot.messages.message import plain
from bot.text_work import normalize

LONGEST_NAME: Final = 32

_JOINER: Final = "\u200d"
"""Joins several emoji into one: the only one of the characters that cannot be seen which is left in."""

_VARIATIONS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Choose how the character before them looks."""


def tidied(typed: str) -> str:
    """Return a name as it is shown: on one line, without what cannot be seen, and without backticks."""
    line = " ".join(typed.split())
    seen = "".join(each for each in line if each == _JOINER or unicodedata.category(each) not in ("Cc", "Cf", "Cs"))
    # At the end, since there is a character that is a backtick by its normal form.
    return " ".join(normalize("NFC", seen).split()).replace("`", "'")


def folded(name: str) -> str:
    """Return what a name is looked for by: the same for all ways to write it that look alike."""
    plain = "".join(each for each in tidied(name) if each != _JOINER and each not in _VARIATIONS)
    return normalize("NFKC", normalize("NFKC", plain).casefold())


def checked(typed: str) -> str:
    """Return a new name, tidied.

    Raises:
        InvalidOption: nothing of it can be seen, or it is too long.
    """
    name = tidied(typed)
    if not any(unicodedata.category(each)[0] not in "ZM" for each in name if each != _JOINER):
        raise InvalidOption("empty name", message=plain("A persona's name needs something that can be seen."))
    if len(name) > LONGEST_NAME:
        raise InvalidOption(
            f"name of {len(name)} characters",
            message=plain(f"A persona's name has at most {LONGEST_NAME} characters, and this one has {len(name):,}."),
        )
    return name
