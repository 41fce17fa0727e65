"""LaTeX: what is a formula, what only looks like one, and formulas of several lines. Discord shows them as code."""

import re
from typing import Final

from bot.markdown.blocks import Inset, Paper

_PLAIN: Final = "0123456789+-=()"
_RAISED: Final = str.maketrans(_PLAIN + "ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_LOWERED: Final = str.maketrans(_PLAIN, "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")


def raised(text: str) -> str:
    """Write `text` above the line, where there are characters for all of it; else behind a caret."""
    return text.translate(_RAISED) if _has_all(text, _RAISED) else f"^{text}"


def lowered(text: str) -> str:
    """Write `text` below the line, where there are characters for all of it; else as it is."""
    return text.translate(_LOWERED) if _has_all(text, _LOWERED) else text


def _has_all(text: str, table: dict[int, int]) -> bool:
    return bool(text) and all(ord(character) in table for character in text)


_OPERATOR = re.compile(r"[\\^_={}<>+*/|]")
_PRICE = re.compile(r"\d[^\\^_]*[A-Za-z]{2}")
_NUMBER = re.compile(r"[\d.,]*\d[A-Za-z!%']{0,2}")
_WORD = re.compile(r"[A-Za-z]{3}")
_WORDS = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}(?![A-Za-z])")


def looks_like_formula(text: str) -> bool:
    """Whether what stands between two signs is mathematics rather than money, a variable of a shell or prose."""
    text = text.strip()
    if not text or "`" in text or text.count("{") != text.count("}"):
        return False
    if _PRICE.match(text):
        return False
    if has_operator(text):
        return "\\" in text or len(_WORDS.findall(text)) < 3
    if text[0].isdigit():
        return _NUMBER.fullmatch(text) is not None
    return len(text) <= 12 and not _WORD.search(text)  # a symbol or two: "x", "A B"


def has_operator(text: str) -> bool:
    """Whether there is a sign in `text` that formulas are full of."""
    return _OPERATOR.search(text) is not None


def as_code(formula: str) -> str:
    """Write a formula, or anything else of one line, as a code span."""
    return f"`{' '.join(formula.split()).replace('`', chr(0x2B9))}`"


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
