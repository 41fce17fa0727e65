"""The inside of a line, from the markdown that models write to what Discord shows, while it streams."""

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from bot.markdown.inline_spans import BEGUN_START, START, read
from bot.markdown.links import Link
from bot.markdown.lookahead import MORE, REACH, Inside, Lookahead, Pairs, Span

_DEEPEST: Final = 4
"""Spans within spans are looked into so many times."""

_KEPT: Final = 0xE000  # of the private use area: stands for code and the like while emphasis is taken off
_MOST_KEPT: Final = 0xF8FF - _KEPT + 1
_KEPTS = re.compile("[\ue000-\uf8ff]")
_UNFINISHED_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\Z")
_UNFINISHED_TAG = re.compile(r"<(?:[A-Za-z/!][^<>]*)?\Z")


class Inline:
    """Renders a text without line ends as it comes, and gives of it what is certain.

    `line_break` stands for `<br>`.
    """

    def __init__(self, line_break: str = " ") -> None:
        self._line_break = line_break
        self._held = ""  # a span that is not all there
        self._before = ""  # the character in front of it

    def feed(self, text: str, *, is_end: bool = False) -> str:
        """Take more text, perhaps the last of the line; give what can be said of it by now."""
        held = self._held + text
        pieces, end = _read(held, self._before, self._line_break, 0, is_end=is_end)
        self._held = held[end:]
        self._before = held[end - 1] if end else self._before
        return "".join(piece if isinstance(piece, str) else piece.shown for piece in pieces)

    def draft(self) -> str:
        """Tell how what is held back would look if the line ended here."""
        pieces, _ = _read(without_unfinished(self._held), self._before, self._line_break, 0, is_end=True)
        return "".join(piece if isinstance(piece, str) else piece.shown for piece in pieces)


def without_unfinished(text: str) -> str:
    """Take from the end of `text` a link's address and a tag that are still coming."""
    return _UNFINISHED_TAG.sub("", _UNFINISHED_LINK.sub(r"\1", text))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A whole text: as Discord shows it, bare as a table has it, and the links in it."""

    shown: str
    bare: str
    links: tuple[Link, ...]


def render(text: str, line_break: str = " ", depth: int = 0) -> Rendered:
    """Render the whole of a text without line ends. In `bare`, a `<br>` is a line end."""
    pieces, _ = _read(text, "", line_break, depth, is_end=True)
    links = tuple(piece.link for piece in pieces if isinstance(piece, Span) and piece.link is not None)
    shown = "".join(piece if isinstance(piece, str) else piece.shown for piece in pieces)
    return Rendered(shown, _without_emphasis(pieces), links)


def _read(text: str, before: str, line_break: str, depth: int, *, is_end: bool) -> tuple[list[str | Span], int]:
    """Read `text` as far as it is certain; give its pieces and how long they are."""
    pieces: list[str | Span] = []
    inside, pairs, at = _inside(depth + 1), Pairs(text), 0
    while at < len(text):
        start = START.search(text, at) or (None if is_end else BEGUN_START.search(text, at))
        end = start.start() if start else len(text)
        if end > at:
            pieces.append(text[at:end])
        else:
            is_all = is_end or len(text) - at >= REACH
            span = read(Lookahead(text[at : at + REACH], is_all, before, pairs, at), inside, line_break)
            if span is MORE:
                break
            end = at + (span.length if isinstance(span, Span) else 1)
            pieces.append(span if isinstance(span, Span) else text[at])
        before, at = text[end - 1], end
    return pieces, at


def _inside(depth: int) -> Inside:
    def inside(text: str) -> tuple[str, str]:
        if depth > _DEEPEST:
            return text, text
        rendered = render(text, depth=depth)
        return rendered.shown, rendered.bare

    return inside


def _without_emphasis(pieces: list[str | Span]) -> str:
    """Join the bare text of `pieces`, without the marks of emphasis between and around them."""
    kept: list[str] = []
    marks: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            marks.append(_KEPTS.sub("\ufffd", piece))
        elif len(kept) < _MOST_KEPT:
            marks.append(chr(_KEPT + len(kept)))
            kept.append(piece.bare)
    return _KEPTS.sub(lambda found: kept[ord(found[0]) - _KEPT], without_emphasis("".join(marks)))


_MAX_LAYERS: Final = 4
"""Emphasis within emphasis is looked into so many times."""

_MARK_RUN: Final = re.compile(r"\*+|_+|~{2,}")
_MARK_LENGTHS: Final = {"*": (1, 2, 3), "_": (1, 2, 3), "~": (2,)}


def without_emphasis(text: str) -> str:
    """Take off `text` the marks around words; `_` only where no word goes on, as CommonMark and Discord read it."""
    for _ in range(_MAX_LAYERS):
        less = _less_one_layer(text)
        if less == text:
            break
        text = less
    return text


def _less_one_layer(text: str) -> str:
    runs = [run.span() for run in _MARK_RUN.finditer(text)]
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
        return [start] if least == start and end - start in _MARK_LENGTHS["_"] and not is_inside_word else []
    return [end - length for length in reversed(_MARK_LENGTHS[text[start]]) if end - length >= least]


def _closing(text: str, runs: list[tuple[int, int]]) -> defaultdict[str, list[int]]:
    """List for each mark where it may close emphasis: behind anything but white space."""
    closing: defaultdict[str, list[int]] = defaultdict(list)
    for start, end in runs:
        for length in _MARK_LENGTHS[text[start]]:
            ends = range(start, end - length + 1)
            if text[start] == "_":
                ends = ends[-1:] if not text[end : end + 1].isalnum() else ends[:0]
            closing[text[start] * length] += [at for at in ends if at and not text[at - 1].isspace()]
    return closing
