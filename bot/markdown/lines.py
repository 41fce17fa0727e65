"""One line: what it begins with, and its inside, from the Markdown that models write to what Discord shows."""

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Self

from bot.markdown.inline_spans import PARTIAL_SPAN_START, RULE, SPAN_START, read_span
from bot.markdown.links import Link
from bot.markdown.lookahead import MAX_SPAN_LENGTH, NEED_MORE, BracketPairs, Lookahead, RenderInner, Span
from bot.markdown.math import superscript

_LEAD = re.compile(r"(?P<quotes>[ \t>]*)(?P<items>(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<box>\[[ xX]\](?=[ \t]))?")
_CHECKBOXES: Final = {" ": "☐", "x": "☑"}
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_UNDERLINE = re.compile(r"=+[ \t]*")
_DEEP_HEADING = re.compile(r"#{4,}[ \t]+")
_BOLD = re.compile(r"(`+[^`]+`+)|\*\*")
_FOOTNOTE = re.compile(r"\[\^(?P<label>[^\s\[\]^]{1,40})\]:[ \t]*(?P<text>.*)")
_MAX_PREFIX_LENGTH: Final = 40
"""Characters of quotes and items in front of a line; behind more of them `<br>` is a space."""
_ALERT = re.compile(r"\[!(?P<kind>[A-Za-z]{1,20})\][ \t]*")
# What a line may begin with that is more than words, or may turn out to be.
_SPECIAL = re.compile(r"#{4}|[-*_=][ \t]*[-*_=][ \t]*[-*_=]|\$\$|\\\[|\\begin|\[\^|\[!|<|`{3}|~{3}")

PROBE_LENGTH: Final = 128
"""Characters of a line that decide whether it is plain text, which is shown as it comes."""


@dataclass(frozen=True, slots=True)
class PrefixedLine:
    """A line in two: its prefix of quote marks, list item marks and a task's check box, and its content."""

    before: str
    content: str

    @classmethod
    def read(cls, line: str) -> Self:
        """Return the line in two, with the check box as Discord shows it."""
        lead = _LEAD.match(line)
        assert lead is not None, "it matches nothing at all, too"
        before, end = lead["quotes"] + lead["items"], lead.end("items")
        if lead["box"] and lead["items"]:
            before, end = before + _CHECKBOXES[lead["box"][1].lower()], lead.end()
        return cls(before, line[end:])

    @property
    def line_break(self) -> str:
        """A line end after which the content goes on in the same quotes and items; a space where they are too many."""
        if len(self.before) > _MAX_PREFIX_LENGTH:
            return " "
        return "\n" + re.sub(r"[^>\s]", " ", self.before)


def is_plain_text(head: str) -> bool:
    """Return whether a line that begins with `head` is text to be shown as it comes, however it goes on."""
    content = PrefixedLine.read(head).content
    return len(content) >= PROBE_LENGTH // 4 and "|" not in head and _SPECIAL.match(content) is None


def starts_fence(line: str) -> bool:
    """Return whether `line` has the marks of a fence behind its quotes and items."""
    return PrefixedLine.read(line).content.startswith(("```", "~~~"))


def render_line(line: str, *, in_paragraph: bool = False) -> str | None:
    """Return a line by itself, outside of code, as Markdown for Discord; None where nothing of it shows."""
    quotes = line[: len(line) - len(line.lstrip(" \t>"))]
    plain = line[len(quotes) :]
    if _RULE.fullmatch(plain) or (in_paragraph and _UNDERLINE.fullmatch(plain)):
        return quotes + RULE
    lead = PrefixedLine.read(line)
    if (heading := _DEEP_HEADING.match(lead.content)) and (
        title := _strip_closing_hashes(lead.content[heading.end() :])
    ):
        title = render_inline(title).markdown.strip()
        return f"{lead.before}**{_BOLD.sub(lambda found: found[1] or '', title)}**"
    if footnote := _FOOTNOTE.fullmatch(lead.content):
        return f"{lead.before}-# {superscript(footnote['label'])} {render_inline(footnote['text']).markdown}".rstrip()
    if (alert := _ALERT.fullmatch(lead.content)) and ">" in quotes:
        return f"{lead.before}**{alert['kind'].capitalize()}**"
    markdown = render_inline(lead.content, lead.line_break).markdown
    is_empty = lead.content.strip() and not markdown.strip() and not lead.before.strip(" \t>")
    return None if is_empty else lead.before + markdown


def _strip_closing_hashes(title: str) -> str:
    """Return a title without the hashes that close it and the white space around it."""
    title = title.strip()
    plain = title.rstrip("#")
    return plain.rstrip() if plain.endswith((" ", "\t")) else title


_MAX_DEPTH: Final = 4
"""How deep spans within spans are read."""

_PLACEHOLDER: Final = 0xE000  # of the private use area: replaces code and the like while emphasis is stripped
_MAX_PLACEHOLDERS: Final = 0xF8FF - _PLACEHOLDER + 1
_PLACEHOLDERS = re.compile("[\ue000-\uf8ff]")
_UNFINISHED_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\Z")
_UNFINISHED_TAG = re.compile(r"<(?:[A-Za-z/!][^<>]*)?\Z")


class InlineRenderer:
    """Renders a text without line ends as it comes, and returns what is certain of it.

    `line_break` replaces `<br>`.
    """

    def __init__(self, line_break: str = " ") -> None:
        self._line_break = line_break
        self._pending = ""  # a span that has not come whole
        self._previous = ""  # the character in front of it

    def feed(self, text: str, *, is_end: bool = False) -> str:
        """Add text, with `is_end` the last of the line; return what is certain by now."""
        pending = self._pending + text
        segments, end = _read_segments(pending, self._previous, self._line_break, 0, is_end=is_end)
        self._pending = pending[end:]
        self._previous = pending[end - 1] if end else self._previous
        return "".join(segment if isinstance(segment, str) else segment.markdown for segment in segments)

    def draft(self) -> str:
        """Return how the pending text would look if the line ended here."""
        segments, _ = _read_segments(strip_unfinished(self._pending), self._previous, self._line_break, 0, is_end=True)
        return "".join(segment if isinstance(segment, str) else segment.markdown for segment in segments)


def strip_unfinished(text: str) -> str:
    """Return `text` without a link's address or a tag at its end that is still coming."""
    return _UNFINISHED_TAG.sub("", _UNFINISHED_LINK.sub(r"\1", text))


@dataclass(frozen=True, slots=True)
class InlineResult:
    """A whole text: its Markdown for Discord, its plain text for a table, and its links."""

    markdown: str
    plain: str
    links: tuple[Link, ...]


def render_inline(text: str, line_break: str = " ", depth: int = 0) -> InlineResult:
    """Render the whole of a text without line ends. In `plain`, a `<br>` is a line end."""
    segments, _ = _read_segments(text, "", line_break, depth, is_end=True)
    links = tuple(segment.link for segment in segments if isinstance(segment, Span) and segment.link is not None)
    markdown = "".join(segment if isinstance(segment, str) else segment.markdown for segment in segments)
    return InlineResult(markdown, _join_without_emphasis(segments), links)


def _read_segments(
    text: str, before: str, line_break: str, depth: int, *, is_end: bool
) -> tuple[list[str | Span], int]:
    """Return the segments of `text` as far as they are certain, and their length in it."""
    if not SPAN_START.search(text) and (is_end or not PARTIAL_SPAN_START.search(text)):
        return [text] if text else [], len(text)  # most lines have no span
    segments: list[str | Span] = []
    render_inner, pairs, at = _build_inner_renderer(depth + 1), BracketPairs(text), 0
    while at < len(text):
        start = SPAN_START.search(text, at) or (None if is_end else PARTIAL_SPAN_START.search(text, at))
        end = start.start() if start else len(text)
        if end > at:
            segments.append(text[at:end])
        else:
            is_complete = is_end or len(text) - at >= MAX_SPAN_LENGTH
            span = read_span(
                Lookahead(text[at : at + MAX_SPAN_LENGTH], is_complete, before, pairs, at), render_inner, line_break
            )
            if span is NEED_MORE:
                break
            end = at + (span.length if isinstance(span, Span) else 1)
            segments.append(span if isinstance(span, Span) else text[at])
        before, at = text[end - 1], end
    return segments, at


def _build_inner_renderer(depth: int) -> RenderInner:
    def render_inner(text: str) -> tuple[str, str]:
        if depth > _MAX_DEPTH:
            return text, text
        result = render_inline(text, depth=depth)
        return result.markdown, result.plain

    return render_inner


def _join_without_emphasis(segments: list[str | Span]) -> str:
    """Return the plain text of `segments`, without the marks of emphasis between and around them."""
    plain_parts: list[str] = []
    parts: list[str] = []
    for segment in segments:
        if isinstance(segment, str):
            parts.append(_PLACEHOLDERS.sub("\ufffd", segment))
        elif len(plain_parts) < _MAX_PLACEHOLDERS:
            parts.append(chr(_PLACEHOLDER + len(plain_parts)))
            plain_parts.append(segment.plain)
    return _PLACEHOLDERS.sub(lambda found: plain_parts[ord(found[0]) - _PLACEHOLDER], strip_emphasis("".join(parts)))


_MAX_LAYERS: Final = 4
"""How deep emphasis within emphasis is read."""

_MARK_RUN: Final = re.compile(r"\*+|_+|~{2,}")
_MARK_LENGTHS: Final = {"*": (1, 2, 3), "_": (1, 2, 3), "~": (2,)}


def strip_emphasis(text: str) -> str:
    """Return `text` without emphasis marks; `_` is one only at the edge of a word, as in CommonMark and Discord."""
    for _ in range(_MAX_LAYERS):
        less = _strip_one_layer(text)
        if less == text:
            break
        text = less
    return text


def _strip_one_layer(text: str) -> str:
    runs = [run.span() for run in _MARK_RUN.finditer(text)]
    closings = _list_closings(text, runs)
    plain_parts: list[str] = []
    at = 0
    for start, end in runs:
        if not text[end : end + 1].strip():
            continue
        for begin in _list_openings(text, max(start, at), start, end):
            ends = closings[text[begin:end]]
            index = bisect_right(ends, end)
            if index < len(ends) and "\n" not in text[end : ends[index]]:
                plain_parts += [text[at:begin], text[end : ends[index]]]
                at = ends[index] + end - begin
                break
    return "".join([*plain_parts, text[at:]])


def _list_openings(text: str, least: int, start: int, end: int) -> list[int]:
    """Return where in the run from `start` to `end` a mark may begin that reaches its end, not before `least`."""
    if text[start] == "_":
        is_inside_word = start > 0 and text[start - 1].isalnum()
        return [start] if least == start and end - start in _MARK_LENGTHS["_"] and not is_inside_word else []
    return [end - length for length in reversed(_MARK_LENGTHS[text[start]]) if end - length >= least]


def _list_closings(text: str, runs: list[tuple[int, int]]) -> defaultdict[str, list[int]]:
    """Return for each mark where it may close emphasis: behind anything but white space."""
    closings: defaultdict[str, list[int]] = defaultdict(list)
    for start, end in runs:
        for length in _MARK_LENGTHS[text[start]]:
            ends = range(start, end - length + 1)
            if text[start] == "_":
                ends = ends[-1:] if not text[end : end + 1].isalnum() else ends[:0]
            closings[text[start] * length] += [at for at in ends if at and not text[at - 1].isspace()]
    return closings
