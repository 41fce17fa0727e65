"""Cutting a long text where a speaker would draw breath.

The API takes 4,096 characters a request. A piece needs a sensible pause at its end, not grammar: "Dr. Who" may be cut
after the abbreviation without harm, so there is no list of them here.
"""

import re
import unicodedata
from typing import Final

PIECE_LIMIT: Final = 4096  # OpenAI's limit of `input` in /audio/speech, in characters
_STOPS: Final = ".!?…‽؟۔।॥։"
_CLOSERS: Final = "\"'»”’)\\]}」』】〉》）＂＇"
# From the best pause to the poorest. Each matches all that stays before the cut, its trailing white space apart.
_PAUSES: Final = (
    re.compile(r"\n[^\S\n]*(?=\n)"),  # between paragraphs
    re.compile(rf"(?<![{_STOPS}])[{_STOPS}]+[{_CLOSERS}]*(?=\s)|[。！？｡．]+[{_CLOSERS}]*|\n"),  # sentences and lines
    re.compile(rf"[,;:،؛–—][{_CLOSERS}]*(?=\s)|[，、；：]"),  # clauses
    re.compile(r"\s"),  # words
)


def cut(text: str, limit: int = PIECE_LIMIT) -> list[str]:
    """Cut `text` into pieces of at most `limit` characters, each without white space at its ends.

    Nothing but white space between pieces is lost. A text of white space only gives no piece.
    """
    pieces = []
    rest = text.strip()
    while len(rest) > limit:
        end = _best_end(rest, limit)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*pieces, rest] if rest else pieces


def _best_end(text: str, limit: int) -> int:
    """Find where the first piece of `text`, which is longer than `limit`, ends.

    A pause in the first half is left alone as long as a poorer one comes later: short pieces cost a request each.
    """
    window = text[: limit + 1]  # one more, so that a space right behind the limit counts as a pause
    for pauses in _PAUSES:
        ends = [
            found.end() for found in pauses.finditer(window, limit // 2) if found.end() <= limit or found[0].isspace()
        ]
        if ends:
            return min(ends[-1], limit)
    return _whole_character(text, limit)


def _whole_character(text: str, end: int) -> int:
    """Step back from the middle of what shows as one character, within reason."""
    for earlier in range(end, max(end - 32, 1), -1):
        follows = text[earlier]
        if not (unicodedata.combining(follows) or follows in _TIED or text[earlier - 1] == "\u200d"):
            return earlier
    return end


_TIED: Final = frozenset("\u200d\ufe0e\ufe0f") | {chr(skin) for skin in range(0x1F3FB, 0x1F400)}
