"""Cells in columns of monospaced characters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Self

from wcwidth import wcswidth, wrap

WIDEST: Final = 46
"""Columns of characters that a phone shows in a line, or nearly. Wider lines break, and nothing is aligned any more."""

_BETWEEN: Final = " | "
_TALLEST: Final = 4
"""A cell of more lines is no cell any more."""
_NARROW: Final = 4
"""Columns that a word of Chinese or Japanese needs at least: it may break anywhere."""

Line = tuple[str, int]
"""A line of a cell, and how wide it is."""


class Align(Enum):
    """Where the text of a column stands."""

    LEFT = auto()
    CENTRE = auto()
    RIGHT = auto()


class Text:
    """What stands in a cell: lines of text, which may be folded. Measured once, however often it is laid out."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = tuple(lines)
        self._measured = tuple((line, _width(line)) for line in self.lines)
        self.width = max((width for _, width in self._measured), default=0)
        self.least = max((_unbreakable(word) for line in self.lines for word in line.split()), default=0)

    def folded(self, width: int) -> tuple[Line, ...] | None:
        """Return its lines, none of them wider than `width`; None where they are too many."""
        lines = self._measured
        if self.width > width:
            if self.width > (width + 1) * _TALLEST:
                return None
            parts = [wrap(line, width) if line_width > width else [line] for line, line_width in lines]
            lines = tuple((part, _width(part)) for each in parts for part in each)
        return lines if len(lines) <= _TALLEST else None


Row = tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A header and the rows so far in columns, which are as wide as their widest cell, or narrower.

    A row is drawn when it is added, and again only where that changed the width of a column.
    """

    aligns: Sequence[Align]
    prefix: str  # of each line
    cells: tuple[Row, ...]  # the header first
    natural: tuple[int, ...]  # the columns' widths where nothing is folded
    least: tuple[int, ...]
    widths: tuple[int, ...]
    drawn: tuple[tuple[str, ...], ...]  # the lines of the header, if it has any, and of each row
    drawn_length: int
    is_folded: bool  # a row has several lines, so that there are lines between the rows

    @classmethod
    def begun(cls, header: Row, aligns: Sequence[Align], prefix: str = "") -> Self | None:
        """Begin one with a header alone; None where it would be too wide or too tall."""
        ones = (1,) * len(header)
        return cls(aligns, prefix, (), ones, ones, (), (), 0, is_folded=False).with_row(header)

    def with_row(self, row: Row) -> Self | None:
        """Return it with one row more; None where it would be too wide or too tall."""
        natural = tuple(map(max, self.natural, [cell.width for cell in row]))
        least = tuple(map(max, self.least, [cell.least for cell in row]))
        is_as_wide = self.drawn and natural == self.natural and least == self.least
        widths = self.widths if is_as_wide else _fit(natural, least)
        if widths is None:
            return None
        cells = (*self.cells, row)
        drawn, length, is_folded = list(self.drawn), self.drawn_length, self.is_folded
        if widths != self.widths:
            drawn, length, is_folded = [], 0, False
        for number in range(len(drawn), len(cells)):
            folded = _folded(cells[number], widths)
            if folded is None:
                return None
            is_folded = is_folded or (number > 0 and max(map(len, folded)) > 1)
            lines = _draw(folded, widths, self.aligns) if number or any(folded) else ()
            drawn.append(lines)
            length += sum(len(f"{self.prefix}{line}".rstrip()) + 1 for line in lines)
        return replace(
            self,
            cells=cells,
            natural=natural,
            least=least,
            widths=widths,
            drawn=tuple(drawn),
            drawn_length=length,
            is_folded=is_folded,
        )

    @property
    def length(self) -> int:
        """How many characters its lines have, with their prefix and their line ends."""
        rules = self._has_rule_below_header + (len(self.drawn) - 2 if self.is_folded else 0)
        return self.drawn_length + rules * (len(self.prefix) + len(_rule(self.widths, "-")) + 1)

    @property
    def lines(self) -> list[str]:
        """Its lines, without the prefix."""
        header, *rows = self.drawn
        lines = [*header]
        if self._has_rule_below_header:
            lines.append(_rule(self.widths, "=" if self.is_folded else "-"))
        for number, row in enumerate(rows):
            if number and self.is_folded:
                lines.append(_rule(self.widths, "-"))
            lines += row
        return lines

    @property
    def _has_rule_below_header(self) -> bool:
        return len(self.drawn) == 1 or bool(self.drawn[0])


def _fit(natural: tuple[int, ...], least: tuple[int, ...]) -> tuple[int, ...] | None:
    """Choose the columns' widths: as they are, else the widest ones narrowed as far as it takes."""
    room = WIDEST - len(_BETWEEN) * (len(natural) - 1)
    if sum(natural) <= room:
        return natural
    if sum(least) > room:
        return None
    widths = list(least)
    for _ in range(room - sum(least)):
        growing = [index for index, width in enumerate(widths) if width < natural[index]]
        narrowest = min(growing, key=lambda index: widths[index])
        widths[narrowest] += 1
    return tuple(widths)


def _folded(row: Row, widths: Sequence[int]) -> list[tuple[Line, ...]] | None:
    """Fold the cells of a row; None where one is too tall."""
    folded = [cell.folded(width) for cell, width in zip(row, widths, strict=True)]
    lines = [cell for cell in folded if cell is not None]
    return lines if len(lines) == len(folded) else None


def _unbreakable(word: str) -> int:
    width = _width(word)
    return min(width, _NARROW) if width > 1.5 * len(word) else width


def _draw(cells: Sequence[Sequence[Line]], widths: Sequence[int], aligns: Sequence[Align]) -> tuple[str, ...]:
    """Draw one row, in as many lines as its tallest cell has."""
    lines = []
    for number in range(max(map(len, cells)) or 1):
        parts = [cell[number] if number < len(cell) else ("", 0) for cell in cells]
        lines.append(_BETWEEN.join(map(_pad, parts, widths, aligns)).rstrip())
    return tuple(lines)


def _pad(line: Line, width: int, align: Align) -> str:
    text, text_width = line
    space = max(0, width - text_width)
    left = {Align.LEFT: 0, Align.CENTRE: space // 2, Align.RIGHT: space}[align]
    return " " * left + text + " " * (space - left)


def _rule(widths: Sequence[int], character: str) -> str:
    return _BETWEEN.replace(" ", character).replace("|", "+").join(character * width for width in widths)


def _width(text: str) -> int:
    return max(0, wcswidth(text))
