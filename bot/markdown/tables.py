"""Tables of GitHub's markdown, read line by line, and the two ways in which Discord can show one.

As a grid of monospaced cells where it is narrow enough for a screen, else row after row as a short list.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Self

from bot.markdown.grid import Align, Text, lay_out
from bot.markdown.inline import render
from bot.markdown.links import Link

_BORDER = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JOINER = "\u200d"  # of emoji; at the end it would join the cell with its border
_FENCE = re.compile(r"`{3,}")
_BOLD = re.compile(r"(`+[^`]+`+)|\*\*")
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


def read_delimiter(line: str, columns: int, *, bordered: bool) -> tuple[Align, ...] | None:
    """Read the line below the header; None where `line` is none.

    Models miscount its columns at times, which is passed over where the header is `bordered`: then it is meant.
    """
    line = line.strip()
    if "|" not in line or _DELIMITER.fullmatch(line) is None:
        return None
    aligns = tuple(_align(part.strip()) for part in line.strip("|").split("|"))
    if len(aligns) != columns and not bordered:
        return None
    return (*aligns, *[Align.LEFT] * columns)[:columns]


def _align(dashes: str) -> Align:
    if dashes.endswith(":"):
        return Align.CENTRE if dashes.startswith(":") else Align.RIGHT
    return Align.LEFT


@dataclass(frozen=True)
class Table:
    """A header and the rows so far."""

    header: Row
    aligns: tuple[Align, ...]
    rows: tuple[Row, ...] = ()

    def with_row(self, row: Row) -> Self:
        """The table with one row more. Cells beyond the last column belong to that."""
        columns = len(self.header)
        if len(row) > columns:
            last = row[columns - 1 :]
            shown = " | ".join(cell.shown for cell in last)
            text = Text([" | ".join(" ".join(cell.text.lines) for cell in last)])
            row = (*row[: columns - 1], Cell(shown, text, tuple(link for cell in last for link in cell.links)))
        return replace(self, rows=(*self.rows, (*row, *[EMPTY] * (columns - len(row)))))

    def without_rows(self) -> Self:
        """The header alone, to go on in another message."""
        return replace(self, rows=())

    @cached_property
    def grid(self) -> list[str] | None:
        """Its lines in monospaced characters; None where it is too wide for that."""
        header = [cell.text for cell in self.header]
        return lay_out(header, [[cell.text for cell in row] for row in self.rows], self.aligns)

    @property
    def links(self) -> list[str]:
        """The links in its cells, as Discord shows them: there are none in a block of code."""
        rows = (self.header, *self.rows)
        return list(dict.fromkeys(link.shown for row in rows for cell in row for link in cell.links))

    @property
    def heading(self) -> list[str]:
        """The header, as the line above a list."""
        names = [_bold(cell.shown) for cell in self.header if cell.shown]
        return [f"**{' · '.join(names)}**"] if names else []

    def record(self, row: Row) -> list[str]:
        """Tell `row` as a list under its first cell; in a table of one column, as an item of a list."""
        if len(row) == 1:
            return [f"- {row[0].shown}"] if row[0].shown else []
        (name, *names), (first, *others) = ([_bold(cell.shown) for cell in self.header], row)
        title = (
            f"{name.removesuffix(':')}: {_bold(first.shown)}" if name and first.shown else name or _bold(first.shown)
        )
        lines = [f"**{title}**"] if title else []
        for label, cell in zip_longest(names, others, fillvalue=None):
            if cell is not None and cell.shown:
                lines.append(f"- **{label.removesuffix(':')}:** {cell.shown}" if label else f"- {cell.shown}")
        return lines


def _bold(text: str) -> str:
    """Take the marks of bold text off a text that will be bold as a whole."""
    return _BOLD.sub(lambda found: found[1] or "", text)
