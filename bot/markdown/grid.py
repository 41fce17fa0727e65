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
class Columns:
    """The columns of a grid: as wide as their widest cell, the widest ones narrowed as far as the screen needs it."""

    aligns: Sequence[Align]
    natural_widths: tuple[int, ...]  # where nothing is wrapped
    min_widths: tuple[int, ...]
    widths: tuple[int, ...]

    @classmethod
    def measure(cls, header: TextRow, aligns: Sequence[Align]) -> Self | None:
        """Return the columns of a header; None where they are too wide."""
        ones = (1,) * len(header)
        return cls(aligns, ones, ones, ()).fit(header)

    def fit(self, row: TextRow) -> Self | None:
        """Return columns that are wide enough for `row`, too; None where they are too wide then."""
        natural_widths = tuple(map(max, self.natural_widths, [cell.width for cell in row]))
        min_widths = tuple(map(max, self.min_widths, [cell.min_width for cell in row]))
        if self.widths and natural_widths == self.natural_widths and min_widths == self.min_widths:
            return self
        widths = _choose_widths(natural_widths, min_widths)
        return (
            None
            if widths is None
            else replace(self, natural_widths=natural_widths, min_widths=min_widths, widths=widths)
        )

    def draw(self, row: TextRow) -> tuple[str, ...] | None:
        """Return a row in as many lines as its tallest cell has; None where one is too tall."""
        wrapped = [cell.wrap(width) for cell, width in zip(row, self.widths, strict=True)]
        cells = [cell for cell in wrapped if cell is not None]
        return _format_row(cells, self.widths, self.aligns) if len(cells) == len(wrapped) else None

    def draw_rule(self, character: str) -> str:
        """Return a line of `character` between two rows."""
        crossing = _SEPARATOR.replace(" ", character).replace("|", "+")
        return crossing.join(character * width for width in self.widths)


@dataclass(frozen=True, slots=True)
class Grid:
    """A header and the rows so far in columns.

    A row is drawn when it is added, and again only where that changed the width of a column.
    """

    prefix: str  # of each line
    columns: Columns
    cells: tuple[TextRow, ...]  # the header first
    rows: tuple[tuple[str, ...], ...] = ()  # the lines of the header, if it has any, and of each row
    rows_length: int = 0
    has_wrapped_row: bool = False  # a row has several lines, so that there are lines between the rows

    @classmethod
    def from_header(cls, header: TextRow, aligns: Sequence[Align], prefix: str = "") -> Self | None:
        """Return a grid with a header alone; None where it would be too wide or too tall."""
        columns = Columns.measure(header, aligns)
        return cls(prefix, columns, (header,))._draw() if columns else None

    def with_row(self, row: TextRow) -> Self | None:
        """Return the grid with one row more; None where it would be too wide or too tall."""
        columns = self.columns.fit(row)
        if columns is None:
            return None
        grid = replace(self, columns=columns, cells=(*self.cells, row))
        if columns.widths != self.columns.widths:
            grid = replace(grid, rows=(), rows_length=0, has_wrapped_row=False)
        return grid._draw()

    def _draw(self) -> Self | None:
        """Return the grid with the rows drawn that are not yet; None where one would be too tall."""
        drawn = [self.columns.draw(row) for row in self.cells[len(self.rows) :]]
        rows = [lines for lines in drawn if lines is not None]
        if len(rows) < len(drawn):
            return None
        if not self.rows and not any(cell.lines for cell in self.cells[0]):
            rows[0] = ()  # a header without names
        has_wrapped_row = any(len(lines) > 1 for lines in (rows if self.rows else rows[1:]))
        length = sum(len(f"{self.prefix}{line}".rstrip()) + 1 for lines in rows for line in lines)
        return replace(
            self,
            rows=(*self.rows, *rows),
            rows_length=self.rows_length + length,
            has_wrapped_row=self.has_wrapped_row or has_wrapped_row,
        )

    @property
    def length(self) -> int:
        """The number of characters of its lines, with their prefix and their line ends."""
        rules = self._has_rule_below_header + (len(self.rows) - 2 if self.has_wrapped_row else 0)
        return self.rows_length + rules * (len(self.prefix) + len(self.columns.draw_rule("-")) + 1)

    @property
    def lines(self) -> list[str]:
        """Its lines, without the prefix."""
        header, *rows = self.rows
        lines = [*header]
        if self._has_rule_below_header:
            lines.append(self.columns.draw_rule("=" if self.has_wrapped_row else "-"))
        for number, row in enumerate(rows):
            if number and self.has_wrapped_row:
                lines.append(self.columns.draw_rule("-"))
            lines += row
        return lines

    @property
    def _has_rule_below_header(self) -> bool:
        return len(self.rows) == 1 or bool(self.rows[0])


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


def _measure_unbreakable(word: str) -> int:
    width = _width(word)
    return min(width, _MIN_WIDE_WIDTH) if width > 1.5 * len(word) else width


def _format_row(
    cells: Sequence[Sequence[MeasuredLine]], widths: Sequence[int], aligns: Sequence[Align]
) -> tuple[str, ...]:
    """Return one row, in as many lines as its tallest cell has, one at least."""
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


def _width(text: str) -> int:
    return max(0, wcswidth(text))
