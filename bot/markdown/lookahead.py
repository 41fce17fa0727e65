"""What a reader of spans receives of a line, and what it returns.

A reader is called at the character that a span begins with, and looks at no more than `MAX_SPAN_LENGTH` characters from
there. It returns the span, `NOT_HERE` where there is none, or `NEED_MORE` while that depends on what comes next. A span
never depends on how much of the text has come, so that a text can be read while it streams.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bot.markdown.links import Link

MAX_SPAN_LENGTH: Final = 1024
"""A span longer than this, in characters, is read as ordinary text."""

PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
"""What a backslash escapes."""


class NoMatch(Enum):
    """What a reader returns that does not find what it looks for."""

    NEED_MORE = auto()
    """Whether it is there depends on text that has not come yet."""

    NOT_HERE = auto()
    """Something else is there, however the text goes on."""


NEED_MORE: Final = NoMatch.NEED_MORE
NOT_HERE: Final = NoMatch.NOT_HERE


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a line: its length, its Markdown for Discord, its plain text for a table, and its link if any."""

    length: int
    markdown: str
    plain: str
    link: Link | None = None


_BRACKET: Final = re.compile(r"\\.|[\[\]()]", re.DOTALL)
_CLOSING_OF: Final = {"[": "]", "(": ")"}


class BracketPairs:
    """The brackets of a text. Escaped ones open and close nothing. They are read at the first question."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing: dict[int, int] | None = None
        self._closing_parentheses: list[int] = []

    def find_closing(self, start: int) -> int | None:
        """Return the position of what closes the bracket at `start`, itself escaped or not; None where nothing does."""
        if self._closing is None:
            self._closing = self._read()
        return self._closing.get(start)

    def find_closing_parenthesis(self, start: int) -> int | None:
        """Return the position of the first closing parenthesis after `start`; None where there is none."""
        if self._closing is None:
            self._closing = self._read()
        index = bisect_right(self._closing_parentheses, start)
        return self._closing_parentheses[index] if index < len(self._closing_parentheses) else None

    def _read(self) -> dict[int, int]:
        closings: dict[int, int] = {}
        # Of each kind, what is open: the bracket of each level, and those behind backslashes within it.
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
                closings.update(dict.fromkeys(levels[character].pop(), at))
                levels[character] = levels[character] or [[]]
                if character == ")":
                    self._closing_parentheses.append(at)
        return closings


@dataclass(frozen=True, slots=True)
class Lookahead:
    """The text from a span's first character on, up to `MAX_SPAN_LENGTH`; `is_complete` if no more of it will come."""

    text: str
    is_complete: bool
    before: str  # the character in front of it
    pairs: BracketPairs  # of the text that it is from,
    at: int  # where it begins there

    def not_found(self) -> NoMatch:
        """Return what a reader does that found no span so far: there is none, or there may be one yet."""
        return NOT_HERE if self.is_complete else NEED_MORE

    def skip(self, length: int) -> "Lookahead":
        """Return the lookahead from `length` characters further on."""
        return Lookahead(self.text[length:], self.is_complete, self.text[length - 1], self.pairs, self.at + length)

    def find_closing(self, start: int) -> int | None:
        """Return the position of what closes the bracket at `start`; None where it has not come."""
        return self._within(self.pairs.find_closing(self.at + start))

    def find_closing_parenthesis(self, start: int) -> int | None:
        """Return the position of the first closing parenthesis after `start`; None where it has not come."""
        return self._within(self.pairs.find_closing_parenthesis(self.at + start))

    def _within(self, end: int | None) -> int | None:
        return end - self.at if end is not None and end - self.at < len(self.text) else None


SpanResult = Span | NoMatch
RenderInner = Callable[[str], tuple[str, str]]
"""Renders what is inside a span; returns its Markdown for Discord and its plain text."""
