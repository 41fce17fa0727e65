"""Cells in columns of monospaced characters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Self

from wcwidth import wcswidth, wrap

MAX_WIDTH: Final = 46
"""Columns of characters that a phone shows in a line, or nearly. Wider lines break, and the cells are not aligned."""

_SEPARATOR: Final = " | "
_MAX_CELL_LINES: Final = 4
"""Lines of a cell; a table with a taller one is shown as a list."""
_MIN_WIDE_WIDTH: Final = 4
"""Columns that a word of Chinese or Japanese needs at least: it may break anywhere."""

MeasuredLine = tuple[str, int]
"""A line of a cell, and how wide it is."""


class Align(Enum):
    """How the text of a column is aligned."""

    LEFT = auto()
    CENTRE = auto()
    RIGHT = auto()


class CellText:
    """The text of a cell: lines that may be wrapped. Measured once, however often it is laid out."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = tuple(lines)
        self._measured = tuple((line, _width(line)) for line in self.lines)
        self.width = max((width for _, width in self._measured), default=0)
        self.min_width = max((_measure_unbreakable(word) for line in self.lines for word in line.split()), default=0)

    def wrap(self, width: int) -> tuple[MeasuredLine, ...] | None:
        """Return its lines, none of them wider than `width`; None where they are too many."""
        lines = self._measured
        if self.width > width:
            if self.width > (width + 1) * _MAX_CELL_LINES:
                return None
            parts = [wrap(line, width) if line_width > width else [line] for line, line_width in lines]
            lines = tuple((part, _width(part)) for each in parts for part in each)
        return lines if len(lines) <= _MAX_CELL_LINES else None


TextRow = tuple[CellText, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A header and the rows so far in columns, which are as wide as their widest cell, or narrower.

    A row is formatted when it is added, and again only where that changed the width of a column.
    """

    aligns: Sequence[Align]
    prefix: str  # of each line
    cells: tuple[TextRow, ...]  # the header first
    natural_widths: tuple[int, ...]  # the columns' widths where nothing is wrapped
    min_widths: tuple[int, ...]
    widths: tuple[int, ...]
    row_lines: tuple[tuple[str, ...], ...]  # the lines of the header, if it has any, and of each row
    rows_length: int
    has_wrapped_row: bool  # a row has several lines, so that there are lines between the rows

    @classmethod
    def from_header(cls, header: TextRow, aligns: Sequence[Align], prefix: str = "") -> Self | None:
        """Return a grid with a header alone; None where it would be too wide or too tall."""
        ones = (1,) * len(header)
        return cls(aligns, prefix, (), ones, ones, (), (), 0, has_wrapped_row=False).with_row(header)

    def with_row(self, row: TextRow) -> Self | None:
        """Return the grid with one row more; None where it would be too wide or too tall."""
        natural_widths = tuple(map(max, self.natural_widths, [cell.width for cell in row]))
        min_widths = tuple(map(max, self.min_widths, [cell.min_width for cell in row]))
        is_as_wide = self.row_lines and natural_widths == self.natural_widths and min_widths == self.min_widths
        widths = self.widths if is_as_wide else _choose_widths(natural_widths, min_widths)
        if widths is None:
            return None
        cells = (*self.cells, row)
        row_lines, length, has_wrapped_row = list(self.row_lines), self.rows_length, self.has_wrapped_row
        if widths != self.widths:
            row_lines, length, has_wrapped_row = [], 0, False
        for number in range(len(row_lines), len(cells)):
            wrapped = _wrap_row(cells[number], widths)
            if wrapped is None:
                return None
            has_wrapped_row = has_wrapped_row or (number > 0 and max(map(len, wrapped)) > 1)
            lines = _format_row(wrapped, widths, self.aligns) if number or any(wrapped) else ()
            row_lines.append(lines)
            length += sum(len(f"{self.prefix}{line}".rstrip()) + 1 for line in lines)
        return replace(
            self,
            cells=cells,
            natural_widths=natural_widths,
            min_widths=min_widths,
            widths=widths,
            row_lines=tuple(row_lines),
            rows_length=length,
            has_wrapped_row=has_wrapped_row,
        )

    @property
    def length(self) -> int:
        """The number of characters of its lines, with their prefix and their line ends."""
        rules = self._has_rule_below_header + (len(self.row_lines) - 2 if self.has_wrapped_row else 0)
        return self.rows_length + rules * (len(self.prefix) + len(_rule(self.widths, "-")) + 1)

    @property
    def lines(self) -> list[str]:
        """Its lines, without the prefix."""
        header, *rows = self.row_lines
        lines = [*header]
        if self._has_rule_below_header:
            lines.append(_rule(self.widths, "=" if self.has_wrapped_row else "-"))
        for number, row in enumerate(rows):
            if number and self.has_wrapped_row:
                lines.append(_rule(self.widths, "-"))
            lines += row
        return lines

    @property
    def _has_rule_below_header(self) -> bool:
        return len(self.row_lines) == 1 or bool(self.row_lines[0])


def _choose_widths(natural_widths: tuple[int, ...], min_widths: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the columns' widths, the widest ones narrowed as far as needed; None where that is not enough."""
    room = MAX_WIDTH - len(_SEPARATOR) * (len(natural_widths) - 1)
    if sum(natural_widths) <= room:
        return natural_widths
    if sum(min_widths) > room:
        return None
    widths = list(min_widths)
    for _ in range(room - sum(min_widths)):
        growing = [index for index, width in enumerate(widths) if width < natural_widths[index]]
        narrowest = min(growing, key=lambda index: widths[index])
        widths[narrowest] += 1
    return tuple(widths)


def _wrap_row(row: TextRow, widths: Sequence[int]) -> list[tuple[MeasuredLine, ...]] | None:
    """Return the wrapped cells of a row; None where one is too tall."""
    wrapped = [cell.wrap(width) for cell, width in zip(row, widths, strict=True)]
    lines = [cell for cell in wrapped if cell is not None]
    return lines if len(lines) == len(wrapped) else None


def _measure_unbreakable(word: str) -> int:
    width = _width(word)
    return min(width, _MIN_WIDE_WIDTH) if width > 1.5 * len(word) else width


def _format_row(
    cells: Sequence[Sequence[MeasuredLine]], widths: Sequence[int], aligns: Sequence[Align]
) -> tuple[str, ...]:
    """Return one row, in as many lines as its tallest cell has."""
    lines = []
    for number in range(max(map(len, cells)) or 1):
        parts = [cell[number] if number < len(cell) else ("", 0) for cell in cells]
        lines.append(_SEPARATOR.join(map(_pad, parts, widths, aligns)).rstrip())
    return tuple(lines)


def _pad(line: MeasuredLine, width: int, align: Align) -> str:
    text, text_width = line
    space = max(0, width - text_width)
    left = {Align.LEFT: 0, Align.CENTRE: space // 2, Align.RIGHT: space}[align]
    return " " * left + text + " " * (space - left)


def _rule(widths: Sequence[int], character: str) -> str:
    return _SEPARATOR.replace(" ", character).replace("|", "+").join(character * width for width in widths)


def _width(text: str) -> int:
    return max(0, wcswidth(text))
