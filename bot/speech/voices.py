"""The voices that are offered, and what may pass for the name of another."""

import re
from typing import Final

from bot.errors import InvalidOption

# The six of the API's own document. Other servers have others, so any name of this shape is passed on.
VOICES: Final = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def checked_voice(name: str) -> str:
    """Return `name` as it is sent: an offered voice in any case, another one as typed.

    Raises:
        InvalidOption: no voice could be called that.
    """
    typed = name.strip()
    if typed.lower() in VOICES:
        return typed.lower()
    if not _NAME.fullmatch(typed):
        known = ", ".join(f"`{voice}`" for voice in VOICES)
        raise InvalidOption("bad voice", sentence=f"That can't be a voice's name. Some that I have: {known}.")
    return typed
