"""LaTeX: what is a formula, what only looks like one, and formulas of several lines. Discord shows them as code."""

import re
from typing import Final

from bot.markdown.blocks import Inset, Paper

_SHARED: Final = "0123456789+-=()"
_SUPERSCRIPTS: Final = str.maketrans(_SHARED + "ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPTS: Final = str.maketrans(_SHARED, "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")


def superscript(text: str) -> str:
    """Return `text` in superscript characters, behind a caret where one of them does not exist."""
    return text.translate(_SUPERSCRIPTS) if _has_all(text, _SUPERSCRIPTS) else f"^{text}"


def subscript(text: str) -> str:
    """Return `text` in subscript characters, as it is where one of them does not exist."""
    return text.translate(_SUBSCRIPTS) if _has_all(text, _SUBSCRIPTS) else text


def _has_all(text: str, table: dict[int, int]) -> bool:
    return bool(text) and all(ord(character) in table for character in text)


_OPERATOR = re.compile(r"[\\^_={}<>+*/|]")
_PRICE = re.compile(r"\d[^\\^_]*[A-Za-z]{2}")
_NUMBER = re.compile(r"[\d.,]*\d[A-Za-z!%']{0,2}")
_WORD = re.compile(r"[A-Za-z]{3}")
_WORDS = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}(?![A-Za-z])")


def looks_like_formula(text: str) -> bool:
    """Return whether the text between two signs is mathematics rather than money, a shell variable or prose."""
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
    """Return whether there is a character in `text` that is typical of formulas."""
    return _OPERATOR.search(text) is not None


def format_code(formula: str) -> str:
    """Return a formula, or other text of one line, as a code span."""
    return f"`{' '.join(formula.split()).replace('`', chr(0x2B9))}`"


MAX_FORMULA_LENGTH: Final = 1500
"""Characters of a formula; what goes on for longer was no formula."""

FORMULA_START = re.compile(r"\$\$(?!\$)|\\\[|\\begin\{(?P<name>[A-Za-z]{1,20}\*?)\}")
"""What the content of a line begins with that may be a formula of its own lines."""

_FENCE = re.compile(r"`{3,}|~{3,}")
_PUNCTUATION: Final = ".,;:"


class DisplayMath:
    r"""A formula of its own lines between `$$`, `\[` and `\]`, or `\begin` and `\end`. No line of it is blank."""

    def __init__(self, paper: Paper, inset: Inset, opening: re.Match[str], line: str) -> None:
        self._paper = paper
        self._inset = inset
        self._end = _closing_of(opening)
        self._keeps_ends = opening["name"] is not None
        self._lines: list[str] = [opening[0]] if self._keeps_ends else []
        self._raw = [line]
        self._raw_length = len(line)
        self._is_closed = False
        self._add(opening.string[opening.end() :])

    @classmethod
    def from_line(cls, opening: re.Match[str], line: str, inset: Inset, paper: Paper) -> "DisplayMath | None":
        """Return the formula that `line` starts; None where it holds other text too, or only escaped brackets.

        `opening` is what `FORMULA_START` finds in the line's content.
        """
        content = opening.string
        formula, end, rest = content[opening.end() :].partition(_closing_of(opening))
        if "`" in content or (end and (rest.strip(_PUNCTUATION + " ") or not formula.strip())):
            return None
        return cls(paper, inset, opening, line)

    def add_line(self, line: str) -> bool:
        """Add a line up to the one that closes the formula."""
        content = self._inset.content_of(line)
        if self._is_closed or not content or _FENCE.match(content) or self._raw_length > MAX_FORMULA_LENGTH:
            return False
        self._raw.append(line)
        self._raw_length += len(line)
        self._add(content)
        return True

    def finish(self, *, at_end: bool) -> list[str]:
        """Write the formula, if it was closed or cut off; else return its lines."""
        if not any(map(str.strip, self._lines)) or not (self._is_closed or at_end):
            return self._raw
        self._paper.write(self._inset.format_fence(self._lines, "tex"))
        return []

    def draft(self, line: str) -> str | None:
        """Return the formula as far as it has come."""
        content = (self._inset.content_of(line) or "").removesuffix("$").removesuffix("\\")
        if content and self._is_closed:
            return None
        lines = [*self._lines, *([_replace_backticks(content)] if content else [])]
        return self._inset.format_fence(lines, "tex") if any(map(str.strip, lines)) else ""

    def _add(self, content: str) -> None:
        formula, end, rest = content.partition(self._end)
        self._is_closed = bool(end)
        line = formula + (end if self._keeps_ends else "") + rest
        if line.strip():
            self._lines.append(_replace_backticks(line.strip()))


def draft_formula(opening: re.Match[str]) -> str:
    """Return how the beginning of a line that may become a formula looks."""
    return format_code(opening.string[opening.end() :] or "…")


def _closing_of(opening: re.Match[str]) -> str:
    return {"$$": "$$", "\\[": "\\]"}.get(opening[0], f"\\end{{{opening['name']}}}")


def _replace_backticks(line: str) -> str:
    return line.replace("`", "ʹ")
