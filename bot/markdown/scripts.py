"""Raised and lowered characters, in place of what HTML, footnotes and exponents write with markup."""

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
