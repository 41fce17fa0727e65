"""How wide text is on a terminal, and lines that fit."""

import textwrap
import unicodedata

_ZERO = frozenset({"Mn", "Me", "Cf", "Cc"})


def width(text: str) -> int:
    """The columns a text takes: two for a wide character, none for what only changes another."""
    return sum(_width(character) for character in text)


def visible(text: str) -> str:
    """A text without control characters: nobody's words may move the cursor."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc")


def wrap(line: str, columns: int, *, indent: str = "", keep_spaces: bool = False) -> list[str]:
    """Cut a line at words into lines of at most `columns`, at least one; `indent` goes before all but the first."""
    cut: list[str] = []
    for part in textwrap.wrap(
        line, columns, subsequent_indent=indent, drop_whitespace=not keep_spaces, break_on_hyphens=False
    ):
        cut += _narrow(part, columns)
    return cut or [""]


def _narrow(line: str, columns: int) -> list[str]:
    lines, current, used = [], "", 0
    for character in line:
        if used + _width(character) > columns:
            lines.append(current)
            current, used = "", 0
        current += character
        used += _width(character)
    return [*lines, current]


def _width(character: str) -> int:
    if unicodedata.category(character) in _ZERO:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
