"""LaTeX: what is a formula, and what only looks like one. Discord shows formulas as code."""

import re
from typing import Final

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
