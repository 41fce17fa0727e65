"""Tables of GitHub's markdown, read line by line, and the two ways in which Discord can show one.

As a grid of monospaced cells where it is narrow enough for a screen, else row after row as a short list. Both are
rendered while the table is still coming, in as many messages as it takes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from bot.markdown.blocks import Inset, Paper
from bot.markdown.grid import Align, Grid, Text
from bot.markdown.inline import render, without_unfinished
from bot.markdown.lines import translate
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


_MARGIN: Final = 40
"""Characters of a message that are left free below a grid, for what stands there while more is coming."""

_LEAST_ROOM: Final = 400
"""With less room than this a table begins in another message."""

_OTHER = re.compile(r"#{1,6} |>|[-*+] |\d{1,9}[.)] |`{3}|~{3}")
_BEGUN_DELIMITER = re.compile(r"[|:\- \t]*")


class TableRenderer:
    """A table under way. In a grid that goes on in another message the header stands again."""

    def __init__(self, paper: Paper, inset: Inset, line: str, header: str) -> None:
        self._paper = paper
        self._inset = inset
        self._line = line
        self._header = header
        self._bordered = header.startswith("|")
        self._table: Table | None = None
        self._grid: Grid | None = None  # None where rows are told one after another
        self._rows: list[Row] = []  # those in the grid
        self._capacity = 0
        self._has_told = False

    @classmethod
    def begun_by(cls, line: str, inset: Inset, paper: Paper) -> "TableRenderer | None":
        """Begin one if `line` may be a header."""
        content = inset.content_of(line) or ""
        return cls(paper, inset, line, content) if "|" in content and not _OTHER.match(content) else None

    def take(self, line: str) -> bool:
        """Take the delimiter, or a row."""
        content = self._inset.content_of(line)
        if not content:
            return False
        if self._table is None:
            return self._begin(content)
        if not self._is_row(content):
            return False
        self._add(self._table, self._table.fitted(read_row(content)))
        return True

    def finish(self, *, at_end: bool) -> list[str]:
        """Write what is left of it; without a delimiter it was none."""
        del at_end
        if self._table is None:
            return [self._line]
        if self._grid is not None:
            self._write_grid(self._table, self._grid)
        elif not self._has_told:
            self._paper.write(self._told(self._table, []))
        return []

    def draft(self, line: str) -> str | None:
        """Show it with its last row as far as that has come; no border of it shows while it may still become one."""
        content = self._inset.content_of(line) or ""
        table, grid = self._table, self._grid
        if table is None:
            may_be_delimiter = _BEGUN_DELIMITER.fullmatch(content) is not None
            if not may_be_delimiter:
                return None
            return "" if self._bordered else (translate(self._line) or "") + "\n"
        if not content:
            return "" if grid is None else self._shown(grid)
        if not self._is_row(content):
            return None
        row = table.fitted(read_row(without_unfinished(content)))
        if grid is None:
            return self._told(table, [row])
        longer = table.longer(grid, row)
        if longer is None:
            return self._told(table, [*self._rows, row])
        has_room = self._length(longer) <= self._capacity
        return self._shown(longer if has_room else grid)  # or it will stand in the next message

    def _begin(self, content: str) -> bool:
        if not is_delimiter(content):
            return False
        header = read_row(self._header)
        aligns = read_delimiter(content, len(header), bordered=self._bordered)
        if aligns is None:
            return False
        self._table = Table(header, aligns)
        self._open(self._table)
        return True

    def _is_row(self, content: str) -> bool:
        if self._bordered:
            return content.startswith("|")
        return "|" in content and not _OTHER.match(content)

    def _open(self, table: Table) -> None:
        """Begin a grid, where there is room for one, if the table can be shown as one."""
        self._grid, self._rows = table.grid(self._inset.prefix), []
        self._make_room(_LEAST_ROOM)

    def _make_room(self, room: int) -> None:
        self._paper.make_room(room + _MARGIN)
        self._capacity = self._paper.room - _MARGIN

    def _add(self, table: Table, row: Row) -> None:
        """Add a row; write what is there first, when that leaves no room for it."""
        has_turned = False
        while self._grid is not None:
            longer = table.longer(self._grid, row)
            if longer is not None and self._length(longer) <= self._capacity:
                self._grid = longer
                self._rows.append(row)
                return
            if longer is not None and self._rows:
                self._write_grid(table, self._grid)
                self._open(table)
            elif longer is not None and not has_turned:
                has_turned = True
                self._make_room(self._length(longer))
            else:
                self._grid = None
                if self._rows:
                    self._write_told(table, self._rows)
        self._write_told(table, [row])

    def _write_grid(self, table: Table, grid: Grid) -> None:
        self._paper.write(self._shown(grid))
        if links := table.links(self._rows):
            self._paper.write(f"{self._inset.prefix}{' · '.join(links)}\n")

    def _write_told(self, table: Table, rows: list[Row]) -> None:
        self._paper.write(self._told(table, rows))
        self._has_told = True

    def _shown(self, grid: Grid) -> str:
        return self._inset.fenced(grid.lines)

    def _length(self, grid: Grid) -> int:
        """Count the characters of `_shown`."""
        return grid.length + len(self._inset.fenced([]))

    def _told(self, table: Table, rows: list[Row]) -> str:
        """Tell rows one after another."""
        lines = table.told(rows, goes_on=self._has_told)
        return "".join(f"{self._inset.prefix}{line}".rstrip() + "\n" for line in lines)
