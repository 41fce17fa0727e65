"""A table while it comes: from the line that may be its header to its last row, in as many messages as it takes."""

import re
from typing import Final

from bot.markdown.blocks import Inset, Paper
from bot.markdown.inline import without_unfinished
from bot.markdown.lines import translate
from bot.markdown.tables import Row, Table, read_delimiter, read_row

_MARGIN: Final = 40
"""Characters of a message that are left free below a grid, for what stands there while more is coming."""

_LEAST_ROOM: Final = 400
"""With less room than this a table begins in another message."""

_OTHER = re.compile(r"#{1,6} |>|[-*+] |\d{1,9}[.)] |`{3}|~{3}")
_BEGUN_DELIMITER = re.compile(r"[|:\- \t]*")


class Tabling:
    """A table under way. In a grid that goes on in another message the header stands again."""

    def __init__(self, paper: Paper, inset: Inset, line: str, header: str) -> None:
        self._paper = paper
        self._inset = inset
        self._line = line
        self._header = header
        self._bordered = header.startswith("|")
        self._table: Table | None = None
        self._capacity = 0
        self._as_records = False
        self._has_told = False

    @classmethod
    def begun_by(cls, line: str, inset: Inset, paper: Paper) -> "Tabling | None":
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
        self._add(self._table, read_row(content))
        return True

    def finish(self, *, at_end: bool) -> list[str]:
        """Write what is left of it; without a delimiter it was none."""
        del at_end
        if self._table is None:
            return [self._line]
        if not self._as_records:
            self._write_grid(self._table)
        elif not self._has_told:
            self._paper.write(self._told(self._table))
        return []

    def draft(self, line: str) -> str | None:
        """Show it with its last row as far as that has come; no border of it shows while it may still become one."""
        content = self._inset.content_of(line) or ""
        if self._table is None:
            may_be_delimiter = _BEGUN_DELIMITER.fullmatch(content) is not None
            if not may_be_delimiter:
                return None
            return "" if self._bordered else (translate(self._line) or "") + "\n"
        if not content:
            return "" if self._as_records else self._shown(self._table)
        if not self._is_row(content):
            return None
        longer = self._table.with_row(read_row(without_unfinished(content)))
        if self._as_records:
            return self._told(longer)
        has_room = longer.grid is None or len(self._shown(longer)) <= self._capacity
        return self._shown(longer if has_room else self._table)  # or it will stand in the next message

    def _begin(self, content: str) -> bool:
        header = read_row(self._header)
        aligns = read_delimiter(content, len(header), bordered=self._bordered)
        if aligns is None:
            return False
        self._table = Table(header, aligns)
        self._as_records = self._table.grid is None
        self._open()
        return True

    def _is_row(self, content: str) -> bool:
        if self._bordered:
            return content.startswith("|")
        return "|" in content and not _OTHER.match(content)

    def _open(self) -> None:
        """Begin a grid where there is room for one."""
        self._paper.make_room(_LEAST_ROOM + _MARGIN)
        self._capacity = self._paper.room - _MARGIN

    def _add(self, table: Table, row: Row) -> None:
        """Add a row; write what is there first, when that leaves no room for it."""
        has_turned = False
        while not self._as_records:
            longer = table.with_row(row)
            if longer.grid is not None and len(self._shown(longer)) <= self._capacity:
                self._table = longer
                return
            if longer.grid is not None and table.rows:
                self._write_grid(table)
                table = table.without_rows()
                self._open()
            elif longer.grid is not None and not has_turned:
                has_turned = True
                self._paper.make_room(len(self._shown(longer)) + _MARGIN)
                self._capacity = self._paper.room - _MARGIN
            else:
                self._as_records = True
                self._write_records(table)
                table = table.without_rows()
        self._table = table
        self._write_records(table.with_row(row))

    def _write_grid(self, table: Table) -> None:
        self._paper.write(self._shown(table))
        if links := table.links:
            self._paper.write(f"{self._inset.prefix}{' · '.join(links)}\n")

    def _write_records(self, table: Table) -> None:
        if table.rows:
            self._paper.write(self._told(table))
            self._has_told = True

    def _shown(self, table: Table) -> str:
        grid = table.grid
        return self._told(table) if grid is None else self._inset.fenced(grid)

    def _told(self, table: Table) -> str:
        """Tell the rows of `table` one after another."""
        lines = [] if self._has_told or (len(table.header) > 1 and table.rows) else table.heading
        for row in table.rows:
            lines += [""] if len(row) > 1 and (lines or self._has_told) else []
            lines += table.record(row)
        return "".join(f"{self._inset.prefix}{line}".rstrip() + "\n" for line in lines)
