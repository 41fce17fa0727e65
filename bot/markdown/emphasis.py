"""Taking the marks of emphasis off a text, and leaving those that stand for themselves."""

import re
from bisect import bisect_right
from collections import defaultdict
from typing import Final

_TOKEN: Final = re.compile(r"\\.|[\[\]()]", re.DOTALL)
_KINDS: Final = {"[": "]", "(": ")"}


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
        levels: dict[str, list[list[int]]] = {kind: [[]] for kind in _KINDS.values()}
        for token in _TOKEN.finditer(self._text):
            at, character = token.end() - 1, token[0][-1]
            is_plain = len(token[0]) == 1
            if (kind := _KINDS.get(character)) is not None:
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


_DEEPEST: Final = 4
"""Emphasis within emphasis is looked into so many times."""

_RUN: Final = re.compile(r"\*+|_+|~{2,}")
_LENGTHS: Final = {"*": (1, 2, 3), "_": (1, 2, 3), "~": (2,)}


def without_emphasis(text: str) -> str:
    """Take off `text` the marks around words; `_` only where no word goes on, as CommonMark and Discord read it."""
    for _ in range(_DEEPEST):
        less = _less_one_layer(text)
        if less == text:
            break
        text = less
    return text


def _less_one_layer(text: str) -> str:
    runs = [run.span() for run in _RUN.finditer(text)]
    closing = _closing(text, runs)
    kept: list[str] = []
    at = 0
    for start, end in runs:
        if not text[end : end + 1].strip():
            continue
        for begin in _beginnings(text, max(start, at), start, end):
            ends = closing[text[begin:end]]
            index = bisect_right(ends, end)
            if index < len(ends) and "\n" not in text[end : ends[index]]:
                kept += [text[at:begin], text[end : ends[index]]]
                at = ends[index] + end - begin
                break
    return "".join([*kept, text[at:]])


def _beginnings(text: str, least: int, start: int, end: int) -> list[int]:
    """List where in the run from `start` to `end` a mark may begin that goes on to its end, not before `least`."""
    if text[start] == "_":
        is_inside_word = start > 0 and text[start - 1].isalnum()
        return [start] if least == start and end - start in _LENGTHS["_"] and not is_inside_word else []
    return [end - length for length in reversed(_LENGTHS[text[start]]) if end - length >= least]


def _closing(text: str, runs: list[tuple[int, int]]) -> defaultdict[str, list[int]]:
    """List for each mark where it may close emphasis: behind anything but white space."""
    closing: defaultdict[str, list[int]] = defaultdict(list)
    for start, end in runs:
        for length in _LENGTHS[text[start]]:
            ends = range(start, end - length + 1)
            if text[start] == "_":
                ends = ends[-1:] if not text[end : end + 1].isalnum() else ends[:0]
            closing[text[start] * length] += [at for at in ends if at and not text[at - 1].isspace()]
    return closing
