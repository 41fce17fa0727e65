"""What is said of blocks that only make sense to the eye: that there is code, and the rows of a table."""

import re
from itertools import pairwise
from typing import Final

from bot.messages import speech as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.speech.inline_speech import format_inline, mask_spans, strip_substitutes

_LANGUAGE_NAMES: Final = {
    "py": "Python",
    "python3": "Python",
    "js": "JavaScript",
    "javascript": "JavaScript",
    "jsx": "JavaScript",
    "ts": "TypeScript",
    "typescript": "TypeScript",
    "tsx": "TypeScript",
    "c++": "C++",
    "cpp": "C++",
    "cs": "C sharp",
    "csharp": "C sharp",
    "c#": "C sharp",
    "rs": "Rust",
    "rb": "Ruby",
    "go": "Go",
    "golang": "Go",
    "kt": "Kotlin",
    "php": "PHP",
    "sql": "SQL",
    "html": "HTML",
    "css": "CSS",
    "scss": "CSS",
    "xml": "XML",
    "json": "JSON",
    "jsonc": "JSON",
    "yaml": "YAML",
    "yml": "YAML",
    "toml": "TOML",
    "ini": "INI",
    "tex": "LaTeX",
    "latex": "LaTeX",
    "hs": "Haskell",
    "ps1": "PowerShell",
    "powershell": "PowerShell",
    "dockerfile": "Docker",
    "md": "Markdown",
    "markdown": "Markdown",
}
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "fish", "shell", "console", "terminal", "shell-session", "bat", "cmd"})
_NO_LANGUAGE: Final = frozenset({"", "text", "txt", "plain", "plaintext", "none", "ansi", "output", "log", "code"})
_LANGUAGE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+#]{0,19}")


def code_announcement(language: str) -> Message:
    """Return the announcement of a code block; `language` is what its fence is marked with."""
    language = language.lower()
    if language in _NO_LANGUAGE:
        return texts.spoken_code()
    if language in _SHELLS:
        return texts.spoken_shell_code()
    if language == "diff":
        return texts.spoken_diff()
    if language == "mermaid":
        return texts.spoken_diagram()
    name = _LANGUAGE_NAMES.get(language) or (language.capitalize() if _LANGUAGE_NAME.fullmatch(language) else "")
    return texts.spoken_code_in(name) if name else texts.spoken_code()


_MAX_ROWS: Final = 10
"""Rows that are read; listeners forget the first of more."""

_DELIMITER: Final = re.compile(r"[ \t>]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*")


def is_row(line: str) -> bool:
    """Return whether `line` may be a row or a header: not where a spoiler begins in it that goes on behind it."""
    start = line.lstrip(" \t>")
    return start.startswith("|") and not start.startswith("||") and "||" not in mask_spans(line, whole=True)[0]


def is_delimiter(line: str) -> bool:
    """Return whether `line` may separate a table's header from its rows."""
    return "|" in line and _DELIMITER.fullmatch(line) is not None


def can_become_delimiter(line: str) -> bool:
    """Return whether `line`, which is still being written, may become a delimiter."""
    return not line.strip(" \t>|:-")


class Table:
    """One table that is being read, from its header on."""

    def __init__(self, header: str) -> None:
        self._columns = _parse_cells(header)
        self._rows = 0

    def format_row(self, line: str) -> str:
        """Return what is said of a row; "" beyond the rows that are read."""
        self._rows += 1
        if self._rows > _MAX_ROWS:
            return ""
        values = []
        for number, value in enumerate(_parse_cells(line)):
            column = self._columns[number] if number < len(self._columns) else ""
            if strip_substitutes(value).strip():
                values.append(f"{column}: {value}" if column and len(self._columns) > 1 else value)
        return f"{'; '.join(values)}." if values else ""

    def format_omitted_rows(self) -> str:
        """Return a sentence about the rows that were left out; "" where none were."""
        more = self._rows - _MAX_ROWS
        return render(texts.spoken_omitted_rows(more)) if more > 0 else ""


def _parse_cells(line: str) -> list[str]:
    """Return what is said of the cells of a line; bars within code separate none."""
    line = line.strip(" \t>")
    mask, _ = mask_spans(line, whole=True)
    bars = [-1, *(at for at, character in enumerate(mask) if character == "|"), len(line)]
    cells = [line[begin + 1 : end] for begin, end in pairwise(bars)]
    inner = cells[not cells[0].strip() : len(cells) - (not cells[-1].strip())]
    return [format_inline(cell.strip()).strip() for cell in inner]
