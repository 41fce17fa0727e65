"""Working through long texts without holding up everybody else on the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

SLICE: Final = 500
"""Characters that are worked through in one go: a few milliseconds for the slowest of what reads answers."""


def sliced(text: str) -> Iterator[str]:
    """Return `text` in slices of at most `SLICE` characters."""
    return (text[begin : begin + SLICE] for begin in range(0, len(text), SLICE))


async def slices(text: str) -> AsyncIterator[str]:
    """Yield `text` in slices of at most `SLICE` characters, and let other callbacks run between two of them.

    A text that is no longer than that comes at once, without a turn of the event loop.
    """
    for number, part in enumerate(sliced(text)):
        if number:
            await asyncio.sleep(0)
        yield part
