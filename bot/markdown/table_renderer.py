"""A table while it comes: from the line that may be its header to its last row, in as many messages as it takes."""

import re
from typing import Final

from bot.markdown.blocks import Inset, Paper
from bot.markdown.grid import Grid
from bot.markdown.inline import without_unfinished
from bot.markdown.lines import translate
from bot.markdown.tables import Row, Table, is_delimiter, read_delimiter, read_row

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
