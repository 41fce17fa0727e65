"""A table as a person would read it out: row by row, each value with the name of its column."""

import re
from typing import Final

from bot.speech.markup import own_words
from bot.speech.spans import heard

ANNOUNCEMENT: Final = "Here is a table."

_MOST_ROWS: Final = 10
"""Rows that are read; of more nobody remembers the first."""

_DELIMITER: Final = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
# Where a row is divided: not at an escaped bar, and not within code.
_CELL: Final = re.compile(r"((?:\\.|`+[^`]*`+|\|\|(?=[^|\s])[^|]*\|\||[^|\\])*)(?:\||\Z)", re.DOTALL)


def is_delimiter(line: str) -> bool:
    """Whether `line` may part a table's header from its rows."""
    return "|" in line and _DELIMITER.fullmatch(line) is not None


def may_be_delimiter(line: str) -> bool:
    """Whether `line`, which is still being written, may become such a one."""
    return not line.strip(" \t>|:-")


class Table:
    """One table that is being read, begun by its header."""

    def __init__(self, header: str) -> None:
        self._columns = _cells(header)
        self._rows = 0

    def row(self, line: str) -> str:
        """Say a row; nothing for those beyond what anybody would listen to."""
        self._rows += 1
        if self._rows > _MOST_ROWS:
            return ""
        said = []
        for number, value in enumerate(_cells(line)):
            column = self._columns[number] if number < len(self._columns) else ""
            if own_words(value).strip():
                said.append(f"{column}: {value}" if column and len(self._columns) > 1 else value)
        return f"{'; '.join(said)}." if said else ""

    def ending(self) -> str:
        """Say how many rows were left out, if any were."""
        more = self._rows - _MOST_ROWS
        if more <= 0:
            return ""
        return "And one more row." if more == 1 else f"And {more} more rows."


def _cells(line: str) -> list[str]:
    """Say what stands between the bars of a line."""
    inside = line.strip(" \t>").removeprefix("|")
    inside = inside.removesuffix("|") if not inside.endswith("\\|") else inside
    return [heard(found[1].strip()).strip() for found in _CELL.finditer(inside) if found[0] or found.start() == 0]
