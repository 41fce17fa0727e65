"""Tables of GitHub's markdown, read line by line, and the two ways in which Discord can show one.

As a grid of monospaced cells where it is narrow enough for a screen, else row after row as a short list.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from bot.markdown.grid import Align, Grid, Text
from bot.markdown.inline import render
from bot.markdown.links import Link

_BORDER = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JOINER = "\u200d"  # of emoji; at the end it would join the cell with its border
_FENCE = re.compile(r"`{3,}")
_BOLD = re.compile(r"(`+[^`]+`+)|\*\*")
_LONGEST_LABELS: Final = 400
"""Characters of the header, where it stands in each row of a list; a longer one stands above the list."""
_BREAK = " / "
"""Stands for a `<br>` in a list."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: as Discord shows it in a list, its bare text, and its links."""

    shown: str
    text: Text
    links: tuple[Link, ...]

    @classmethod
    def read(cls, source: str) -> Self:
        """Read what stands between two borders."""
        rendered = render(source.strip(), line_break=_BREAK)
        bare = (" ".join(_CONTROL.sub(" ", line).split()).rstrip(_JOINER) for line in rendered.bare.split("\n"))
        # A run of backticks would end the block that the grid stands in; these look the same.
        text = Text([_FENCE.sub(lambda run: "ˋ" * len(run[0]), line) for line in bare if line])
        return cls(rendered.shown.strip(), text, rendered.links)


EMPTY = Cell("", Text(), ())
Row = tuple[Cell, ...]


def read_row(line: str) -> Row:
    """Read a line's cells."""
    inside = line.strip()
    inside = inside.removeprefix("|")
    inside = inside[:-1] if inside.endswith("|") and not inside.endswith("\\|") else inside
    return tuple(Cell.read(source.replace("\\|", "|")) for source in _BORDER.split(inside))


def is_delimiter(line: str) -> bool:
    """Whether `line` may stand below a header."""
    return "|" in line and _DELIMITER.fullmatch(line.strip()) is not None


def read_delimiter(line: str, columns: int, *, bordered: bool) -> tuple[Align, ...] | None:
    """Read the columns of a delimiter; None where they are not those of the header.

    Models miscount its columns at times, which is passed over where the header is `bordered`: then it is meant.
    """
    aligns = tuple(_align(part.strip()) for part in line.strip().strip("|").split("|"))
    if len(aligns) != columns and not bordered:
        return None
    return (*aligns, *[Align.LEFT] * columns)[:columns]


def _align(dashes: str) -> Align:
    if dashes.endswith(":"):
        return Align.CENTRE if dashes.startswith(":") else Align.RIGHT
    return Align.LEFT


@dataclass(frozen=True)
class Table:
    """The columns of a table: their names and alignment."""

    header: Row
    aligns: tuple[Align, ...]

    def fitted(self, row: Row) -> Row:
        """Put what stands in cells beyond the last column into that."""
        columns = len(self.header)
        if len(row) <= columns:
            return row
        last = row[columns - 1 :]
        shown = " | ".join(cell.shown for cell in last)
        text = Text([" | ".join(" ".join(cell.text.lines) for cell in last)])
        return (*row[: columns - 1], Cell(shown, text, tuple(link for cell in last for link in cell.links)))

    def grid(self, prefix: str) -> Grid | None:
        """Begin a grid of monospaced characters; None where the header is too wide for that."""
        return Grid.begun(self._texts(self.header), self.aligns, prefix)

    def longer(self, grid: Grid, row: Row) -> Grid | None:
        """Return `grid` with one row more; None where it is too wide for that."""
        return grid.with_row(self._texts(row))

    def links(self, rows: Sequence[Row]) -> list[str]:
        """List the links in header and rows, as Discord shows them: there are none in a block of code."""
        return list(dict.fromkeys(link.shown for row in (self.header, *rows) for cell in row for link in cell.links))

    def told(self, rows: Sequence[Row], *, goes_on: bool) -> list[str]:
        """Tell rows one after another, in lines; `goes_on` where some are told already."""
        stands_above = not self._labels or len(self.header) == 1 or not rows
        lines = [*self._heading] if stands_above and not goes_on else []
        for row in rows:
            if len(self.header) > 1 and (lines or goes_on):
                lines.append("")
            lines += self._record(row)
        return lines

    def _texts(self, row: Row) -> tuple[Text, ...]:
        return (*[cell.text for cell in row], *[EMPTY.text] * (len(self.header) - len(row)))

    @cached_property
    def _names(self) -> list[str]:
        return [_bold(cell.shown) for cell in self.header]

    @cached_property
    def _labels(self) -> list[str]:
        """The names as they stand in each row; none where they are too long for that."""
        return self._names if sum(map(len, self._names)) <= _LONGEST_LABELS else []

    @property
    def _heading(self) -> list[str]:
        """The header, as the line above a list."""
        names = [name for name in self._names if name]
        return [f"**{' · '.join(names)}**"] if names else []

    def _record(self, row: Row) -> list[str]:
        """Tell `row` as a list under its first cell; in a table of one column, as an item of a list."""
        if len(self.header) == 1:
            return [f"- {row[0].shown}"] if row[0].shown else []
        (name, *names), (first, *others) = (self._labels or [""], row)
        title = (
            f"{name.removesuffix(':')}: {_bold(first.shown)}" if name and first.shown else name or _bold(first.shown)
        )
        lines = [f"**{title}**"] if title else []
        for number, cell in enumerate(others):
            if cell.shown:
                label = names[number] if number < len(names) else ""
                lines.append(f"- **{label.removesuffix(':')}:** {cell.shown}" if label else f"- {cell.shown}")
        return lines


def _bold(text: str) -> str:
    """Take the marks of bold text off a text that will be bold as a whole."""
    return _BOLD.sub(lambda found: found[1] or "", text)
