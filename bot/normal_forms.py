"""Unicode's normal forms of texts that anybody may have written."""

import unicodedata
from typing import Final, Literal

MOST_MARKS: Final = 30
"""Combining marks that are put in order together, as in Unicode's Stream-Safe Text Format: no language needs more.

`unicodedata.normalize` takes the square of their number.
"""


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return `text` in a normal form; of longer rows of combining marks each `MOST_MARKS` by themselves."""
    if text.isascii():
        return text
    parts: list[str] = []
    begin = marks = 0
    for at, character in enumerate(text):
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MOST_MARKS:
            parts.append(text[begin:at])
            begin, marks = at, 1
    return "".join(unicodedata.normalize(form, part) for part in [*parts, text[begin:]])
