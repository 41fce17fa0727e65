"""Ids that come back in custom ids: whoever makes a client of their own sends what they like."""

import re
from typing import Final

LARGEST: Final = 2**63 - 1
"""What fits into a column of the database; Discord's own ids are far below it."""

_DIGITS: Final = re.compile(r"[0-9]{1,19}")


def read_id(text: str) -> int | None:
    """Return the id that is written there; None where it is none, or one that nothing can have."""
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number <= LARGEST else None
