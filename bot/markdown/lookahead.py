"""What the readers of spans are given of a line, and what they give.

A reader is asked at the character that a span begins with, and looks at no more than `REACH` characters from there. It
gives the span, `None` where there is none, or `MORE` while that depends on what comes next. What it gives never depends
on how much of the text has come, so that a text may be read while it streams.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.markdown.links import Link

REACH: Final = 1024
"""A span longer than this, in characters, is read as ordinary text."""

PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
"""What a backslash takes the meaning off."""


class More(Enum):
    """Whether there is a span depends on text that has not come yet."""

    MORE = "more"


MORE: Final = More.MORE


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a line: how long it is, how Discord shows it, its bare text for a table, and its link if any."""

    length: int
    shown: str
    bare: str
    link: Link | None = None


_BRACKET: Final = re.compile(r"\\.|[\[\]()]", re.DOTALL)
_CLOSING_OF: Final = {"[": "]", "(": ")"}


class Pairs:
    """The brackets of a text. Those behind a backslash open and close nothing. Read when they are first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing: dict[int, int] | None = None
        self._round_ends: list[int] = []

    def closing(self, start: int) -> int | None:
        """Find what closes the bracket at `start`, whether or not that stands behind a backslash."""
        if self._closing is None:
            self._closing = self._read()
        return self._closing.get(start)

    def round_end(self, start: int) -> int | None:
        """Find the first closing parenthesis after `start`."""
        if self._closing is None:
            self._closing = self._read()
        index = bisect_right(self._round_ends, start)
        return self._round_ends[index] if index < len(self._round_ends) else None

    def _read(self) -> dict[int, int]:
        closing: dict[int, int] = {}
        # Of each kind, what is open: the bracket of each level, and those behind backslashes that stand in it.
        levels: dict[str, list[list[int]]] = {kind: [[]] for kind in _CLOSING_OF.values()}
        for token in _BRACKET.finditer(self._text):
            at, character = token.end() - 1, token[0][-1]
            is_plain = len(token[0]) == 1
            if (kind := _CLOSING_OF.get(character)) is not None:
                if is_plain:
                    levels[kind].append([at])
                else:
                    levels[kind][-1].append(at)
            elif is_plain:
                closing.update(dict.fromkeys(levels[character].pop(), at))
                levels[character] = levels[character] or [[]]
                if character == ")":
                    self._round_ends.append(at)
        return closing


@dataclass(frozen=True, slots=True)
class Lookahead:
    """The text from a span's first character on: as much of `REACH` as has come, and whether no more of it will."""

    text: str
    is_all: bool
    before: str  # the character in front of it
    pairs: Pairs  # of the text that it is from,
    at: int  # where it begins there

    def unless_more(self) -> More | None:
        """The answer where nothing was found so far."""
        return None if self.is_all else MORE

    def beyond(self, length: int) -> "Lookahead":
        """Look on from `length` characters further."""
        return Lookahead(self.text[length:], self.is_all, self.text[length - 1], self.pairs, self.at + length)

    def closing(self, start: int) -> int | None:
        """Find what closes the bracket at `start`; None where it has not come."""
        return self._within(self.pairs.closing(self.at + start))

    def round_end(self, start: int) -> int | None:
        """Find the first closing parenthesis after `start`; None where it has not come."""
        return self._within(self.pairs.round_end(self.at + start))

    def _within(self, end: int | None) -> int | None:
        return end - self.at if end is not None and end - self.at < len(self.text) else None


Reading = Span | More | None
Inside = Callable[[str], tuple[str, str]]
"""Renders what is inside a span: as Discord shows it, and bare."""
