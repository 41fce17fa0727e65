"""Cells in columns of monospaced characters."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from wcwidth import wcswidth, wrap

WIDEST: Final = 46
"""Columns of characters that a phone shows in a line, or nearly. Wider lines break, and nothing is aligned any more."""

_BETWEEN: Final = " | "
_TALLEST: Final = 4
"""A cell of more lines is no cell any more."""
_NARROW: Final = 4
"""Columns that a word of Chinese or Japanese needs at least: it may break anywhere."""


class Align(Enum):
    """Where the text of a column stands."""

    LEFT = auto()
    CENTRE = auto()
    RIGHT = auto()


class Text:
    """What stands in a cell: lines of text, which may be folded. Measured once, however often it is laid out."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = tuple(lines)
        self.width = max(map(_width, self.lines), default=0)
        self.least = max((_unbreakable(word) for line in self.lines for word in line.split()), default=0)
        self._folded: dict[int, tuple[str, ...]] = {}

    def folded(self, width: int) -> tuple[str, ...]:
        """Its lines, none of them wider than `width`."""
        if self.width <= width:
            return self.lines
        if width not in self._folded:
            lines = ([line] if _width(line) <= width else wrap(line, width) for line in self.lines)
            self._folded[width] = tuple(part for parts in lines for part in parts)
        return self._folded[width]


def lay_out(header: Sequence[Text], rows: Sequence[Sequence[Text]], aligns: Sequence[Align]) -> list[str] | None:
    """Put the cells of a table into columns; None where the grid would be too wide."""
    columns = list(zip(header, *rows, strict=True))
    room = WIDEST - len(_BETWEEN) * (len(columns) - 1)
    natural = [max(cell.width for cell in column) or 1 for column in columns]
    widths = _fit(natural, [max(cell.least for cell in column) or 1 for column in columns], room)
    if widths is None:
        return None
    folded = [[cell.folded(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    if any(len(cell) > _TALLEST for row in folded for cell in row):
        return None
    is_folded = any(len(cell) > 1 for row in folded[1:] for cell in row)
    lines = _draw(folded[0], widths, aligns) if any(folded[0]) else []
    for number, row in enumerate(folded[1:]):
        if lines and (is_folded or not number):
            lines.append(_rule(widths, "=" if is_folded and not number else "-"))
        lines += _draw(row, widths, aligns)
    return lines if rows else [*lines, _rule(widths, "-")]


def _fit(natural: list[int], least: list[int], room: int) -> list[int] | None:
    """Choose the columns' widths: as they are, else the widest ones narrowed as far as it takes."""
    if sum(natural) <= room:
        return natural
    if sum(least) > room:
        return None
    widths = list(least)
    for _ in range(room - sum(least)):
        growing = [index for index, width in enumerate(widths) if width < natural[index]]
        narrowest = min(growing, key=lambda index: widths[index])
        widths[narrowest] += 1
    return widths


def _unbreakable(word: str) -> int:
    width = _width(word)
    return min(width, _NARROW) if width > 1.5 * len(word) else width


def _draw(cells: Sequence[Sequence[str]], widths: Sequence[int], aligns: Sequence[Align]) -> list[str]:
    """Draw one row, in as many lines as its tallest cell has."""
    lines = []
    for number in range(max(map(len, cells)) or 1):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        lines.append(_BETWEEN.join(map(_pad, parts, widths, aligns)).rstrip())
    return lines


def _pad(text: str, width: int, align: Align) -> str:
    space = max(0, width - _width(text))
    left = {Align.LEFT: 0, Align.CENTRE: space // 2, Align.RIGHT: space}[align]
    return " " * left + text + " " * (space - left)


def _rule(widths: Sequence[int], character: str) -> str:
    return _BETWEEN.replace(" ", character).replace("|", "+").join(character * width for width in widths)


def _width(text: str) -> int:
    return max(0, wcswidth(text))
