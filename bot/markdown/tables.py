"""Tables of GitHub's markdown, read line by line, and the two ways in which Discord can show one.

As a grid of monospaced cells where it is narrow enough for a screen, else row after row as a short list. Both are
rendered while the table is still coming, in as many messages as it takes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from bot.markdown.blocks import Inset, Paper
from bot.markdown.grid import Align, CellText, Grid
from bot.markdown.lines import render_inline, render_line, strip_unfinished
from bot.markdown.links import Link

_BORDER = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JOINER = "\u200d"  # of emoji; at the end it would join the cell with its border
_FENCE = re.compile(r"`{3,}")
_BOLD = re.compile(r"(`+[^`]+`+)|\*\*")
_LONGEST_LABELS: Final = 400
"""Characters of a header that is repeated in each row of a list; a longer one is written above the list."""
_BREAK = " / "
"""Replaces a `<br>` in a list."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its Markdown for a list, its plain text for a grid, and its links."""

    markdown: str
    text: CellText
    links: tuple[Link, ...]

    @classmethod
    def parse(cls, source: str) -> Self:
        """Return the cell between two borders."""
        result = render_inline(source.strip(), line_break=_BREAK)
        plain = (" ".join(_CONTROL.sub(" ", line).split()).rstrip(_JOINER) for line in result.plain.split("\n"))
        # A run of backticks would end the grid's code block; these look the same.
        text = CellText([_FENCE.sub(lambda run: "ˋ" * len(run[0]), line) for line in plain if line])
        return cls(result.markdown.strip(), text, result.links)


EMPTY = Cell("", CellText(), ())
Row = tuple[Cell, ...]


def parse_row(line: str) -> Row:
    """Return a line's cells."""
    inside = line.strip()
    inside = inside.removeprefix("|")
    inside = inside[:-1] if inside.endswith("|") and not inside.endswith("\\|") else inside
    return tuple(Cell.parse(source.replace("\\|", "|")) for source in _BORDER.split(inside))


def is_delimiter(line: str) -> bool:
    """Return whether `line` may follow a header."""
    return "|" in line and _DELIMITER.fullmatch(line.strip()) is not None


def parse_delimiter(line: str, columns: int, *, bordered: bool) -> tuple[Align, ...] | None:
    """Return the alignment of a delimiter's columns; None where they are not those of the header.

    Models miscount its columns at times. That is ignored where the header is `bordered`: then a table is meant.
    """
    aligns = tuple(_parse_align(part.strip()) for part in line.strip().strip("|").split("|"))
    if len(aligns) != columns and not bordered:
        return None
    return (*aligns, *[Align.LEFT] * columns)[:columns]


def _parse_align(dashes: str) -> Align:
    if dashes.endswith(":"):
        return Align.CENTRE if dashes.startswith(":") else Align.RIGHT
    return Align.LEFT


@dataclass(frozen=True)
class Table:
    """The columns of a table: their names and alignment."""

    header: Row
    aligns: tuple[Align, ...]

    def merge_extra_cells(self, row: Row) -> Row:
        """Return `row` with the cells beyond the last column joined to that."""
        columns = len(self.header)
        if len(row) <= columns:
            return row
        last = row[columns - 1 :]
        markdown = " | ".join(cell.markdown for cell in last)
        text = CellText([" | ".join(" ".join(cell.text.lines) for cell in last)])
        return (*row[: columns - 1], Cell(markdown, text, tuple(link for cell in last for link in cell.links)))

    def build_grid(self, prefix: str) -> Grid | None:
        """Return a grid with the header alone; None where that is too wide."""
        return Grid.from_header(self._cell_texts(self.header), self.aligns, prefix)

    def extend_grid(self, grid: Grid, row: Row) -> Grid | None:
        """Return `grid` with one row more; None where it is too wide for that."""
        return grid.with_row(self._cell_texts(row))

    def list_links(self, rows: Sequence[Row]) -> list[str]:
        """Return the links in header and rows as Markdown: a code block shows none."""
        return list(dict.fromkeys(link.markdown for row in (self.header, *rows) for cell in row for link in cell.links))

    def format_records(self, rows: Sequence[Row], *, goes_on: bool) -> list[str]:
        """Return the lines of rows one after another; `goes_on` where some were written before."""
        has_heading = not self._labels or len(self.header) == 1 or not rows
        lines = [*self._heading] if has_heading and not goes_on else []
        for row in rows:
            if len(self.header) > 1 and (lines or goes_on):
                lines.append("")
            lines += self._format_record(row)
        return lines

    def _cell_texts(self, row: Row) -> tuple[CellText, ...]:
        return (*[cell.text for cell in row], *[EMPTY.text] * (len(self.header) - len(row)))

    @cached_property
    def _names(self) -> list[str]:
        return [_strip_bold(cell.markdown) for cell in self.header]

    @cached_property
    def _labels(self) -> list[str]:
        """The names as repeated in each row; none where they are too long for that."""
        return self._names if sum(map(len, self._names)) <= _LONGEST_LABELS else []

    @property
    def _heading(self) -> list[str]:
        """The header, as the line above a list."""
        names = [name for name in self._names if name]
        return [f"**{' · '.join(names)}**"] if names else []

    def _format_record(self, row: Row) -> list[str]:
        """Return `row` as a list under its first cell; in a table of one column, as an item of a list."""
        if len(self.header) == 1:
            return [f"- {row[0].markdown}"] if row[0].markdown else []
        (name, *names), (first, *others) = (self._labels or [""], row)
        title = (
            f"{name.removesuffix(':')}: {_strip_bold(first.markdown)}"
            if name and first.markdown
            else name or _strip_bold(first.markdown)
        )
        lines = [f"**{title}**"] if title else []
        for number, cell in enumerate(others):
            if cell.markdown:
                label = names[number] if number < len(names) else ""
                lines.append(f"- **{label.removesuffix(':')}:** {cell.markdown}" if label else f"- {cell.markdown}")
        return lines


def _strip_bold(text: str) -> str:
    """Return a text that will be bold as a whole without its own marks of bold text."""
    return _BOLD.sub(lambda found: found[1] or "", text)


_MARGIN: Final = 40
"""Characters of a message that are left free below a grid, for the progress marker while more is coming."""

_LEAST_ROOM: Final = 400
"""Code points: with less room than this a table starts in another message."""

_OTHER_BLOCK = re.compile(r"#{1,6} |>|[-*+] |\d{1,9}[.)] |`{3}|~{3}")
_PARTIAL_DELIMITER = re.compile(r"[|:\- \t]*")


class TableRenderer:
    """A table that is still coming. A grid that goes on in another message repeats its header."""

    def __init__(self, paper: Paper, inset: Inset, line: str, header: str) -> None:
        self._paper = paper
        self._inset = inset
        self._line = line
        self._header = header
        self._bordered = header.startswith("|")
        self._table: Table | None = None
        self._grid: Grid | None = None  # None where rows are written as lists
        self._rows: list[Row] = []  # those in the grid
        self._capacity = 0
        self._has_written_records = False

    @classmethod
    def from_line(cls, line: str, content: str, inset: Inset, paper: Paper) -> "TableRenderer | None":
        """Return a table if `line`, whose content has a border, may be a header."""
        return None if _OTHER_BLOCK.match(content) else cls(paper, inset, line, content)

    def add_line(self, line: str) -> bool:
        """Add the delimiter, or a row."""
        content = self._inset.content_of(line)
        if not content:
            return False
        if self._table is None:
            return self._start_table(content)
        if not self._is_row(content):
            return False
        self._add_row(self._table, self._table.merge_extra_cells(parse_row(content)))
        return True

    def finish(self, *, at_end: bool) -> list[str]:
        """Write what is left of it; without a delimiter it was no table, and its line is returned."""
        del at_end
        if self._table is None:
            return [self._line]
        if self._grid is not None:
            self._write_grid(self._table, self._grid)
        elif not self._has_written_records:
            self._paper.write(self._format_records(self._table, []))
        return []

    def draft(self, line: str) -> str | None:
        """Return it with its last row as far as that has come; a border shows only once it is known to be one."""
        content = self._inset.content_of(line) or ""
        table, grid = self._table, self._grid
        if table is None:
            may_be_delimiter = _PARTIAL_DELIMITER.fullmatch(content) is not None
            if not may_be_delimiter:
                return None
            return "" if self._bordered else (render_line(self._line) or "") + "\n"
        if not content:
            return "" if grid is None else self._format_grid(grid)
        if not self._is_row(content):
            return None
        row = table.merge_extra_cells(parse_row(strip_unfinished(content)))
        if grid is None:
            return self._format_records(table, [row])
        extended = table.extend_grid(grid, row)
        if extended is None:
            return self._format_records(table, [*self._rows, row])
        has_room = self._measure_grid(extended) <= self._capacity
        return self._format_grid(extended if has_room else grid)  # or it will be in the next message

    def _start_table(self, content: str) -> bool:
        if not is_delimiter(content):
            return False
        header = parse_row(self._header)
        aligns = parse_delimiter(content, len(header), bordered=self._bordered)
        if aligns is None:
            return False
        self._table = Table(header, aligns)
        self._start_grid(self._table)
        return True

    def _is_row(self, content: str) -> bool:
        if self._bordered:
            return content.startswith("|")
        return "|" in content and not _OTHER_BLOCK.match(content)

    def _start_grid(self, table: Table) -> None:
        """Start a grid, in another message if need be, if the table can be shown as one."""
        self._grid, self._rows = table.build_grid(self._inset.prefix), []
        self._make_room(_LEAST_ROOM)

    def _make_room(self, room: int) -> None:
        self._paper.make_room(room + _MARGIN)
        self._capacity = self._paper.room - _MARGIN

    def _add_row(self, table: Table, row: Row) -> None:
        """Add a row; write what is there first, when that leaves no room for it."""
        has_made_room = False
        while self._grid is not None:
            extended = table.extend_grid(self._grid, row)
            if extended is not None and self._measure_grid(extended) <= self._capacity:
                self._grid = extended
                self._rows.append(row)
                return
            if extended is not None and self._rows:
                self._write_grid(table, self._grid)
                self._start_grid(table)
            elif extended is not None and not has_made_room:
                has_made_room = True
                self._make_room(self._measure_grid(extended))
            else:
                self._grid = None
                if self._rows:
                    self._write_records(table, self._rows)
        self._write_records(table, [row])

    def _write_grid(self, table: Table, grid: Grid) -> None:
        self._paper.write(self._format_grid(grid))
        if links := table.list_links(self._rows):
            self._paper.write(f"{self._inset.prefix}{' · '.join(links)}\n")

    def _write_records(self, table: Table, rows: list[Row]) -> None:
        self._paper.write(self._format_records(table, rows))
        self._has_written_records = True

    def _format_grid(self, grid: Grid) -> str:
        return self._inset.format_fence(grid.lines)

    def _measure_grid(self, grid: Grid) -> int:
        """Return the number of characters of `_format_grid`."""
        return grid.length + len(self._inset.format_fence([]))

    def _format_records(self, table: Table, rows: list[Row]) -> str:
        """Return rows one after another, as lists."""
        lines = table.format_records(rows, goes_on=self._has_written_records)
        return "".join(f"{self._inset.prefix}{line}".rstrip() + "\n" for line in lines)
