"""Work on texts of any length, in linear time and without blocking the event loop."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterator
from typing import Final, Literal

MAX_COMBINING_MARKS: Final = 30
"""Combining marks that are ordered together, as in Unicode's Stream-Safe Text Format: no language needs more.

`unicodedata.normalize` takes the square of their number.
"""


def normalize(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return `text` in a normal form; of more combining marks in a row each `MAX_COMBINING_MARKS` separately."""
    if text.isascii():
        return text
    parts: list[str] = []
    begin = marks = 0
    for at, character in enumerate(text):
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MAX_COMBINING_MARKS:
            parts.append(text[begin:at])
            begin, marks = at, 1
    return "".join(unicodedata.normalize(form, part) for part in [*parts, text[begin:]])


SLICE_CHARACTERS: Final = 500
"""Processed in one go: a few milliseconds for the slowest of what reads answers."""


def split_slices(text: str) -> Iterator[str]:
    """Return `text` in slices of at most `SLICE_CHARACTERS` characters."""
    return (text[begin : begin + SLICE_CHARACTERS] for begin in range(0, len(text), SLICE_CHARACTERS))


async def iterate_slices(text: str) -> AsyncIterator[str]:
    """Yield `text` in slices of at most `SLICE_CHARACTERS` characters, and let other callbacks run between two of them.

    A text that is no longer than that comes at once, without a turn of the event loop.
    """
    for number, part in enumerate(split_slices(text)):
        if number:
            await asyncio.sleep(0)
        yield part
