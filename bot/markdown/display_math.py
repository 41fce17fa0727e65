"""Formulas that stand by themselves, between `$$`, `\\[` and `\\]`, or `\\begin` and `\\end`, while they come."""

import re
from typing import Final

from bot.markdown.blocks import Inset, Paper
from bot.markdown.math import as_code

LONGEST: Final = 1500
"""Characters of a formula; what goes on for longer was no formula."""

_OPENING = re.compile(r"\$\$(?!\$)|\\\[|\\begin\{(?P<name>[A-Za-z]{1,20}\*?)\}")
_FENCE = re.compile(r"`{3,}|~{3,}")
_PUNCTUATION: Final = ".,;:"


class Display:
    """One of them. In LaTeX no line of it is blank."""

    def __init__(self, paper: Paper, inset: Inset, opening: re.Match[str], line: str) -> None:
        self._paper = paper
        self._inset = inset
        self._end = _end_of(opening)
        self._keeps_ends = opening["name"] is not None
        self._lines: list[str] = [opening[0]] if self._keeps_ends else []
        self._raw = [line]
        self._raw_length = len(line)
        self._is_closed = False
        self._add(opening.string[opening.end() :])

    @classmethod
    def begun_by(cls, line: str, inset: Inset, paper: Paper) -> "Display | None":
        """Begin one if `line` does; None where it holds more than that, or only escaped brackets."""
        content = inset.content_of(line) or ""
        opening = _OPENING.match(content)
        if opening is None:
            return None
        inside, end, after = content[opening.end() :].partition(_end_of(opening))
        if "`" in content or (end and (after.strip(_PUNCTUATION + " ") or not inside.strip())):
            return None
        return cls(paper, inset, opening, line)

    def take(self, line: str) -> bool:
        """Take a line up to the one that closes it."""
        content = self._inset.content_of(line)
        if self._is_closed or not content or _FENCE.match(content) or self._raw_length > LONGEST:
            return False
        self._raw.append(line)
        self._raw_length += len(line)
        self._add(content)
        return True

    def finish(self, *, at_end: bool) -> list[str]:
        """Write it, if it was closed or cut off."""
        if not any(map(str.strip, self._lines)) or not (self._is_closed or at_end):
            return self._raw
        self._paper.write(self._inset.fenced(self._lines, "tex"))
        return []

    def draft(self, line: str) -> str | None:
        """Show it as far as it has come."""
        content = (self._inset.content_of(line) or "").removesuffix("$").removesuffix("\\")
        if content and self._is_closed:
            return None
        lines = [*self._lines, *([_safe(content)] if content else [])]
        return self._inset.fenced(lines, "tex") if any(map(str.strip, lines)) else ""

    def _add(self, content: str) -> None:
        inside, end, after = content.partition(self._end)
        self._is_closed = bool(end)
        line = inside + (end if self._keeps_ends else "") + after
        if line.strip():
            self._lines.append(_safe(line.strip()))


def drafted(content: str) -> str | None:
    """Show the beginning of a line that may become a formula; None where it does not look like that."""
    opening = _OPENING.match(content)
    return as_code(content[opening.end() :] or "…") if opening else None


def _end_of(opening: re.Match[str]) -> str:
    return {"$$": "$$", "\\[": "\\]"}.get(opening[0], f"\\end{{{opening['name']}}}")


def _safe(line: str) -> str:
    return line.replace("`", "ʹ")
