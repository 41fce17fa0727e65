"""What a persona may be made of, wherever it is for."""

from typing import Final

from bot.errors import InvalidOption
from bot.messages.message import plain

LONGEST_PERSONA: Final = 4000
"""In characters: the most that a form's text field takes."""


def checked(typed: str, *, advice: str = "") -> str:
    """Return a persona without the blanks around it.

    Args:
        typed: what somebody wrote.
        advice: what they are told to do beside that, where there is nothing in it.

    Raises:
        InvalidOption: it is empty or too long.
    """
    text = typed.strip()
    if not text:
        raise InvalidOption("empty persona", message=plain(f"A persona needs a few words.{advice}"))
    if len(text) > LONGEST_PERSONA:
        raise InvalidOption(
            f"persona of {len(text)} characters",
            message=plain(
                f"That persona has {len(text):,} characters, and {LONGEST_PERSONA:,} is the most I can keep."
            ),
        )
    return text
