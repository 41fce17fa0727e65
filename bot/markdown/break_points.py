"""Where a line may be cut: at sentences, at words, or else between any two characters that people see.

Pure functions of a text and a position in it. A position p cuts between text[p - 1] and text[p].
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_SENTENCE_END = re.compile(r"(?:(?<![\d.!?…])[.!?…]++[\"'”’»)\]*_~]*(?=\s)|[。！？]+[」』”]*)")
# A word that would turn into a heading, a list item, a quote or a fence at the beginning of a line.
_BLOCK_START = re.compile(r"(?:#{1,6}|[-*+>]|>>>|-#|\d{1,9}[.)])(?:\s|$)|>|```|~~~")
# Things that lose their meaning when cut: code spans, masked links with the host behind them, addresses, Discord's
# mentions, emoji and times.
_ATOM = re.compile(
    r"(?<!`)(?P<ticks>`{1,8}+)(?!`)[^\n]{1,200}?(?<!`)(?P=ticks)(?!`)"
    r"|\[[^\[\]\n]{1,200}\]\((?:<[^<>\n]{1,400}>|[^()\s]{1,400})(?: \"[^\"\n]{1,100}\")?\)(?: \([^()\s]{1,253}\))?"
    r"|https?://[^\s<>]{1,500}"
    r"|<[@#:at/][^<>\n]{1,100}>"
)
_MAX_ATOM_LENGTH: Final = 1000
_MAX_CLUSTER_LENGTH: Final = 32
"""Combining marks piled higher than this are cut anyway."""

_ZERO_WIDTH_JOINER = "\u200d"


def sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the positions after each sentence in text[start:end], last first."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, end)]
    return reversed(ends)


def word_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the positions from `end` down to `start` where a word ends and white space follows."""
    for position in range(min(end, len(text) - 1), start - 1, -1):
        if position > 0 and text[position].isspace() and not text[position - 1].isspace():
            yield position


def starts_block(text: str, position: int) -> bool:
    """Return whether what follows `position` would be read as more than words at the beginning of a line."""
    while position < len(text) and text[position].isspace():
        position += 1
    return _BLOCK_START.match(text, position) is not None


def find_atoms(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the spans that overlap text[start:end] and should stay whole, as (start, end)."""
    matches = _ATOM.finditer(text, max(0, start - _MAX_ATOM_LENGTH), min(len(text), end + _MAX_ATOM_LENGTH))
    return [match.span() for match in matches]


def splits_character(text: str, position: int) -> bool:
    """Return whether a cut at `position` would tear apart what people see as one character."""
    if not 0 < position < len(text):
        return False
    after, before = text[position], text[position - 1]
    if before == _ZERO_WIDTH_JOINER or _extends_previous(after):
        return True
    return _is_flag_half(after) and _count_flag_halves_before(text, position) % 2 == 1


def _extends_previous(character: str) -> bool:
    """Return whether a character extends the one before: marks, joiners, skin tones, tags, Hangul vowels and finals."""
    code = ord(character)
    return code >= 0x300 and (
        unicodedata.category(character) in ("Mn", "Mc", "Me")
        or character == _ZERO_WIDTH_JOINER
        or 0x1F3FB <= code <= 0x1F3FF
        or 0xE0020 <= code <= 0xE007F
        or 0x1160 <= code <= 0x11FF
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _count_flag_halves_before(text: str, position: int) -> int:
    count = 0
    while count < position and _is_flag_half(text[position - 1 - count]):
        count += 1
    return count


def find_character_boundary(text: str, position: int) -> int:
    """Return the last position up to `position` that splits no character; `position` itself if that is too far."""
    for candidate in range(position, max(0, position - _MAX_CLUSTER_LENGTH), -1):
        if not splits_character(text, candidate):
            return candidate
    return position
