"""What inside a line means more than its characters: code, formulas, links, footnotes, addresses and bits of HTML."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.markdown.links import Link
from bot.markdown.lookahead import NEED_MORE, NOT_HERE, PUNCTUATION, Lookahead, NoMatch, RenderInner, Span, SpanResult
from bot.markdown.math import format_code, has_operator, looks_like_formula, subscript, superscript

RULE: Final = "─" * 15
"""Shown for a horizontal rule."""

# Where a span may begin. A web address counts as one, for nothing in it means anything else.
SPAN_START = re.compile(r"[\\`$!\[<&]|https?://", re.IGNORECASE)
PARTIAL_SPAN_START = re.compile(r"(?:h|ht|htt|https?|https?:|https?:/)\Z", re.IGNORECASE)

_TICKS = re.compile(r"`+")
_DOLLAR = re.compile(r"(?<!\\)\$")
_ADDRESS = re.compile(r"[^\s<>`|\[\]\"]+")
_FOOTNOTE = re.compile(r"\[\^([^\s\[\]^]{1,40})\]")


def read_span(lookahead: Lookahead, render_inner: RenderInner, line_break: str) -> SpanResult:
    """Read the span that `lookahead` begins with."""
    match lookahead.text[0]:
        case "\\":
            return _read_escape(lookahead)
        case "`":
            return _read_code(lookahead)
        case "$":
            return _read_display_math(lookahead) if lookahead.text[1:2] == "$" else _read_inline_math(lookahead)
        case "!":
            return _read_image(lookahead)
        case "[":
            return _read_bracket(lookahead, render_inner)
        case "<":
            return read_tag(lookahead, render_inner, line_break)
        case "&":
            return read_entity(lookahead)
    return _read_address(lookahead)


def _read_escape(lookahead: Lookahead) -> SpanResult:
    if len(lookahead.text) < 2:
        return Span(1, "", "") if lookahead.is_complete else NEED_MORE  # at its end it only breaks the line
    kind = lookahead.text[1]
    if kind in "([":
        find_closing = {"(": "\\)", "[": "\\]"}[kind]
        end = lookahead.text.find(find_closing, 2)
        if end < 0:
            return NEED_MORE if not lookahead.is_complete else Span(2, lookahead.text[:2], kind)
        formula = lookahead.text[2:end]
        # Brackets are escaped more often than they hold a formula within a line.
        if looks_like_formula(formula) and (kind == "(" or has_operator(formula)):
            return Span(end + 2, format_code(formula), formula.strip())
    return Span(2, lookahead.text[:2], kind) if kind in PUNCTUATION else NOT_HERE


def _read_code(lookahead: Lookahead) -> SpanResult:
    runs = _TICKS.finditer(lookahead.text)
    opening = next(runs).end()
    if opening == len(lookahead.text) and not lookahead.is_complete:
        return NEED_MORE
    for run in runs:
        if run.end() == len(lookahead.text) and not lookahead.is_complete:
            return NEED_MORE  # the run may go on
        if run.end() - run.start() == opening:
            content = lookahead.text[opening : run.start()]
            return Span(run.end(), lookahead.text[: run.end()], content.strip() or content)
    # Not closed, so a run of ticks is just that: whole, lest its rest be read as another.
    return Span(opening, "`" * opening, "`" * opening) if lookahead.is_complete else NEED_MORE


def _read_display_math(lookahead: Lookahead) -> SpanResult:
    """Read a formula between two dollar signs on each side; what is none of one is a run of dollar signs."""
    text = lookahead.text
    run = len(text) - len(text.lstrip("$"))
    end = text.find("$$", run) if run == 2 else -1
    if not lookahead.is_complete and (run == len(text) or (run == 2 and end < 0)):
        return NEED_MORE
    formula = text[2:end] if end >= 0 else ""
    if not looks_like_formula(formula):
        return Span(run, "$" * run, "$" * run)
    return Span(end + 2, format_code(formula), formula.strip())


def _read_inline_math(lookahead: Lookahead) -> SpanResult:
    """Read a formula between two dollar signs.

    As in Pandoc, so that money stays money: no space inside, no digit behind; and none of a word around it.
    """
    text = lookahead.text
    if len(text) < 2:
        return lookahead.not_found()
    if text[1].isspace() or _is_part_of_word(lookahead.before):
        return NOT_HERE
    closing = _DOLLAR.search(text, 1)
    if closing is None:
        return lookahead.not_found()
    if closing.end() == len(text) and not lookahead.is_complete:
        return NEED_MORE
    formula, behind = text[1 : closing.start()], text[closing.end() : closing.end() + 1]
    if formula[-1].isspace() or _is_part_of_word(behind) or not looks_like_formula(formula):
        return NOT_HERE
    return Span(closing.end(), format_code(formula), formula)


def _is_part_of_word(character: str) -> bool:
    """Return whether a dollar sign next to `character` is part of a word: a price, a variable.

    Chinese and Japanese put no space around formulas, so their characters are none.
    """
    return character.isascii() and (character.isalnum() or character in tuple("_$({\\"))


def _read_image(lookahead: Lookahead) -> SpanResult:
    if len(lookahead.text) < 2:
        return lookahead.not_found()
    if lookahead.text[1] != "[":
        return NOT_HERE
    found = _read_link(lookahead.skip(1))
    if not isinstance(found, tuple):
        return found
    length, link = found
    link = Link(link.text.strip() or "image", link.target, link.title)
    return Span(length + 1, link.markdown, link.text, link)


def _read_bracket(lookahead: Lookahead, render_inner: RenderInner) -> SpanResult:
    if lookahead.text.startswith("[^") or len(lookahead.text) == 1:
        mark = _FOOTNOTE.match(lookahead.text)
        if mark is not None:
            return Span(mark.end(), superscript(mark[1]), superscript(mark[1]))
        if not lookahead.is_complete and len(lookahead.text) < 44:
            return NEED_MORE
    found = _read_link(lookahead)
    if not isinstance(found, tuple):
        return found
    length, link = found
    _, plain = render_inner(link.text)
    if "![" in link.text:  # a badge: Discord nests no links
        link = Link(plain, link.target, link.title)
    return Span(length, link.markdown, plain, link)


def _read_link(lookahead: Lookahead) -> tuple[int, Link] | NoMatch:
    """Return the length of `[text](target "title")`, with brackets in pairs, and the link."""
    end = lookahead.find_closing(0) if "]" in lookahead.text else None
    if end is None or (end + 1 == len(lookahead.text) and not lookahead.is_complete):
        return lookahead.not_found()
    if lookahead.text[end + 1 : end + 2] != "(":
        return NOT_HERE
    start = end + 2
    if lookahead.text[start : start + 1] == "<":
        after = lookahead.text.find(">", start)
        target = lookahead.text[start + 1 : after]
        if after < 0:
            return lookahead.not_found()
        close = lookahead.find_closing_parenthesis(after)
        rest = lookahead.text[after + 1 : close]
    else:
        close = lookahead.find_closing(start - 1)
        target, _, rest = lookahead.text[start:close].strip().partition(" ")
    if close is None:
        return lookahead.not_found()
    title = rest.strip()
    if title and (len(title) < 2 or title[0] + title[-1] not in ('""', "''", "()")):
        return NOT_HERE
    target = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", target)
    return close + 1, Link(lookahead.text[1:end], target, title[1:-1].replace('"', "'"))


def _read_address(lookahead: Lookahead) -> SpanResult:
    address = _ADDRESS.match(lookahead.text)
    assert address is not None, "an address begins with its scheme"
    if address.end() == len(lookahead.text) and not lookahead.is_complete:
        return NEED_MORE
    return Span(address.end(), address[0], address[0])


# HTML, and Discord's own marks, which look alike.

# Discord's mentions, emoji, times and commands, and addresses that are not to unfold.
_ATOM = re.compile(
    r"<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?|id:\w+|/[\w -]+:\d+|https?://[^<>\s]{1,900})>", re.IGNORECASE
)
_TAG = re.compile(r"<(?P<closing>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,10})(?P<rest>(?:\s[^<>]*)?)/?>")
_PARTIAL_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]*|/|[!@#:][^<>]*)?")
_ATTRIBUTE = r"\b{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"

_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_PARTIAL_ENTITY = re.compile(r"&[A-Za-z0-9#]{0,31}")


def read_tag(lookahead: Lookahead, render_inner: RenderInner, line_break: str) -> SpanResult:
    """Read what begins with `<`: a tag, an element, a comment, or one of Discord's own marks."""
    text = lookahead.text
    if atom := _ATOM.match(text):
        return Span(atom.end(), atom[0], atom[0])
    if text.startswith("<!--"):
        end = text.find("-->")
        return lookahead.not_found() if end < 0 else _drop(lookahead, end + 3)
    found = _TAG.match(text)
    if found is None:
        return _may_become(_PARTIAL_TAG, lookahead)
    read = _TAG_READERS.get(found["name"].lower())
    return NOT_HERE if read is None else read(_Tag(lookahead, found, render_inner, line_break))


def read_entity(lookahead: Lookahead) -> SpanResult:
    """Read a character that is written by its name or number."""
    entity = _ENTITY.match(lookahead.text)
    if entity is None:
        return _may_become(_PARTIAL_ENTITY, lookahead)
    character = html.unescape(entity[0])
    character = character.replace("\u00a0", " ")
    if character == entity[0] or not character.isprintable():
        return NOT_HERE
    return Span(entity.end(), f"\\{character}" if character in PUNCTUATION else character, character)


def _may_become(beginnings: re.Pattern[str], lookahead: Lookahead) -> NoMatch:
    """Return whether all that has come is one of `beginnings`, so that what is looked for may be there yet."""
    return NEED_MORE if not lookahead.is_complete and beginnings.fullmatch(lookahead.text) else NOT_HERE


def _drop(lookahead: Lookahead, length: int) -> SpanResult:
    """Drop a tag; but between two runs of fence characters it stays, so that they do not become a fence."""
    return NOT_HERE if lookahead.before and lookahead.before in "`~" else Span(length, "", "")


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag of HTML, and what is needed to read its element."""

    lookahead: Lookahead
    found: re.Match[str]
    render_inner: RenderInner
    line_break: str

    @property
    def end(self) -> int:
        return self.found.end()

    @property
    def is_closing(self) -> bool:
        return bool(self.found["closing"])

    @property
    def is_opening(self) -> bool:
        """Whether an element begins with it."""
        return not self.is_closing and not self.found["rest"].rstrip().endswith("/")

    def find_attribute(self, name: str) -> str:
        """Return the value of an attribute; "" where it has none."""
        found = re.search(_ATTRIBUTE.format(name=name), self.found["rest"], re.IGNORECASE)
        return html.unescape(next((value for value in found.groups() if value), "")) if found else ""


def _read_break(tag: _Tag) -> SpanResult:
    text = tag.lookahead.text
    end = len(text) - len(text[tag.end :].lstrip(" \t"))
    return NEED_MORE if end == len(text) and not tag.lookahead.is_complete else Span(end, tag.line_break, "\n")


def _drop_tag(tag: _Tag) -> SpanResult:
    return _drop(tag.lookahead, tag.end)


def _read_item(tag: _Tag) -> SpanResult:
    return _drop_tag(tag) if tag.is_closing else Span(tag.end, "• ", "• ")


def _read_rule(tag: _Tag) -> SpanResult:
    return Span(tag.end, f"{tag.line_break}{RULE}{tag.line_break}", "")


def _read_img(tag: _Tag) -> SpanResult:
    if tag.is_closing:
        return NOT_HERE
    link = Link(tag.find_attribute("alt") or "image", tag.find_attribute("src"))
    return Span(tag.end, link.markdown, link.text, link)


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of HTML: what is between its tags, rendered, and its length with them."""

    tag: _Tag
    length: int
    markdown: str
    plain: str


def _in_element(read: Callable[[_Element], Span]) -> Callable[[_Tag], SpanResult]:
    """Return the reader of an element from its opening tag to its closing one, in the same line."""

    def read_element(tag: _Tag) -> SpanResult:
        found = _find_content(tag)
        if isinstance(found, NoMatch):
            return found
        content, length = found
        return read(_Element(tag, length, *tag.render_inner(content)))

    return read_element


def _find_content(tag: _Tag) -> tuple[str, int] | NoMatch:
    """Return what is between a tag and the one that closes it, and the length of all three."""
    if not tag.is_opening:
        return NOT_HERE
    text = tag.lookahead.text
    closing = re.compile(rf"</{tag.found['name']}\s*>", re.IGNORECASE).search(text, tag.end)
    return (text[tag.end : closing.start()], closing.end()) if closing else tag.lookahead.not_found()


def _read_code_element(tag: _Tag) -> SpanResult:
    found = _find_content(tag)
    if isinstance(found, NoMatch):
        return found
    content, length = found
    code = html.unescape(content)
    return Span(length, format_code(code), code) if code.strip() else _drop(tag.lookahead, length)


def _read_a(element: _Element) -> Span:
    link = Link(element.markdown, element.tag.find_attribute("href"))
    return Span(element.length, link.markdown, element.plain, link)


def _read_q(element: _Element) -> Span:
    return Span(element.length, f"“{element.markdown}”", f"“{element.plain}”")


def _read_summary(element: _Element) -> Span:
    return Span(element.length, f"**{element.markdown.strip()}** ", element.plain)


def _read_sub(element: _Element) -> Span:
    return Span(element.length, subscript(element.markdown), subscript(element.plain))


def _read_sup(element: _Element) -> Span:
    return Span(element.length, superscript(element.markdown), superscript(element.plain))


def _emphasized(mark: str) -> Callable[[_Tag], SpanResult]:
    """Return the reader of an element that Discord shows between marks."""

    def read(element: _Element) -> Span:
        core, before = element.markdown.strip(), element.tag.lookahead.before
        if not core or mark in core or (before and before in mark):
            return Span(element.length, element.markdown, element.plain)
        front, _, back = element.markdown.partition(core)
        return Span(element.length, f"{front}{mark}{core}{mark}{back}", element.plain)

    return _in_element(read)


_DROPPED: Final = (
    *("p", "div", "span", "center", "font", "small", "big", "details", "section", "article", "ul", "ol", "abbr"),
    "label",
)
_TAG_READERS: Final[dict[str, Callable[[_Tag], SpanResult]]] = {
    "br": _read_break,
    "hr": _read_rule,
    "img": _read_img,
    "li": _read_item,
    "a": _in_element(_read_a),
    "q": _in_element(_read_q),
    "sub": _in_element(_read_sub),
    "summary": _in_element(_read_summary),
    "sup": _in_element(_read_sup),
    **dict.fromkeys(_DROPPED, _drop_tag),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), _read_code_element),
    **dict.fromkeys(("b", "strong", "mark", "h1", "h2", "h3", "h4", "h5", "h6"), _emphasized("**")),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), _emphasized("*")),
    **dict.fromkeys(("u", "ins"), _emphasized("__")),
    **dict.fromkeys(("s", "del", "strike"), _emphasized("~~")),
}
"""What is read of a tag, by its name; other tags are text."""
