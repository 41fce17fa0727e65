"""What inside a line means more than its characters: code, formulas, links, footnotes, addresses and bits of HTML."""

import html
import re
from typing import Final

from bot.markdown.links import Link
from bot.markdown.lookahead import NEED_MORE, PUNCTUATION, Lookahead, NeedMore, RenderInner, Span, SpanResult
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
            return _read_dollar_math(lookahead)
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
    return Span(2, lookahead.text[:2], kind) if kind in PUNCTUATION else None


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


def _read_dollar_math(lookahead: Lookahead) -> SpanResult:
    text = lookahead.text
    if text.startswith("$$"):
        run = len(text) - len(text.lstrip("$"))
        if run == len(text) and not lookahead.is_complete:
            return NEED_MORE
        end = text.find("$$", run)
        if run == 2 and end < 0 and not lookahead.is_complete:
            return NEED_MORE
        formula = text[2:end] if run == 2 and end >= 0 else ""
        if not looks_like_formula(formula):
            return Span(run, "$" * run, "$" * run)
        return Span(end + 2, format_code(formula), formula.strip())
    if len(text) < 2:
        return lookahead.not_found()
    # As in Pandoc, so that money stays money: no space inside, no digit behind; and none of a word around it.
    if text[1].isspace() or _is_part_of_word(lookahead.before):
        return None
    find_closing = _DOLLAR.search(text, 1)
    if find_closing is None:
        return lookahead.not_found()
    if find_closing.end() == len(text) and not lookahead.is_complete:
        return NEED_MORE
    formula, behind = text[1 : find_closing.start()], text[find_closing.end() : find_closing.end() + 1]
    if formula[-1].isspace() or _is_part_of_word(behind) or not looks_like_formula(formula):
        return None
    return Span(find_closing.end(), format_code(formula), formula)


def _is_part_of_word(character: str) -> bool:
    """Return whether a dollar sign next to `character` is part of a word: a price, a variable.

    Chinese and Japanese put no space around formulas, so their characters are none.
    """
    return character.isascii() and (character.isalnum() or character in tuple("_$({\\"))


def _read_image(lookahead: Lookahead) -> SpanResult:
    if len(lookahead.text) < 2:
        return lookahead.not_found()
    if lookahead.text[1] != "[":
        return None
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


def _read_link(lookahead: Lookahead) -> tuple[int, Link] | NeedMore | None:
    """Return the length of `[text](target "title")`, with brackets in pairs, and the link."""
    end = lookahead.find_closing(0) if "]" in lookahead.text else None
    if end is None or (end + 1 == len(lookahead.text) and not lookahead.is_complete):
        return lookahead.not_found()
    if lookahead.text[end + 1 : end + 2] != "(":
        return None
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
        return None
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

_EMPHASIS_MARKS: Final = {
    **dict.fromkeys(("b", "strong", "mark", "h1", "h2", "h3", "h4", "h5", "h6"), "**"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), "*"),
    **dict.fromkeys(("u", "ins"), "__"),
    **dict.fromkeys(("s", "del", "strike"), "~~"),
}
_CODE: Final = frozenset({"code", "kbd", "samp", "tt"})
_DROPPED: Final = frozenset(
    {"p", "div", "span", "center", "font", "small", "big", "details", "section", "article", "ul", "ol", "abbr", "label"}
)
_PAIRED: Final = frozenset({"a", "q", "sub", "summary", "sup"})

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
    tag = _TAG.match(text)
    if tag is None:
        partial = _PARTIAL_TAG.match(text)
        return NEED_MORE if not lookahead.is_complete and partial is not None and partial.end() == len(text) else None
    name = tag["name"].lower()
    if name == "br":
        space = len(text) - len(text[tag.end() :].lstrip(" \t"))
        return NEED_MORE if space == len(text) and not lookahead.is_complete else Span(space, line_break, "\n")
    if name in _DROPPED:
        return _drop(lookahead, tag.end())
    if name == "li":
        return _drop(lookahead, tag.end()) if tag["closing"] else Span(tag.end(), "• ", "• ")
    if name == "hr":
        return Span(tag.end(), f"{line_break}{RULE}{line_break}", "")
    if name == "img" and not tag["closing"]:
        link = Link(_find_attribute(tag, "alt") or "image", _find_attribute(tag, "src"))
        return Span(tag.end(), link.markdown, link.text, link)
    if (
        tag["closing"]
        or tag["rest"].rstrip().endswith("/")
        or not (name in _EMPHASIS_MARKS or name in _CODE or name in _PAIRED)
    ):
        return None
    return _read_element(lookahead, tag, name, render_inner)


def _read_element(lookahead: Lookahead, tag: re.Match[str], name: str, render_inner: RenderInner) -> SpanResult:
    """Read an element of HTML from its opening tag to its closing one, in the same line."""
    find_closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(lookahead.text, tag.end())
    if find_closing is None:
        return lookahead.not_found()
    content = lookahead.text[tag.end() : find_closing.start()]
    if name in _CODE:
        code = html.unescape(content)
        return (
            Span(find_closing.end(), format_code(code), code) if code.strip() else _drop(lookahead, find_closing.end())
        )
    markdown, plain = render_inner(content)
    if name == "a":
        link = Link(markdown, _find_attribute(tag, "href"))
        return Span(find_closing.end(), link.markdown, plain, link)
    if name == "q":
        return Span(find_closing.end(), f"“{markdown}”", f"“{plain}”")
    if name == "summary":
        return Span(find_closing.end(), f"**{markdown.strip()}** ", plain)
    if name in ("sub", "sup"):
        write = superscript if name == "sup" else subscript
        return Span(find_closing.end(), write(markdown), write(plain))
    core = markdown.strip()
    mark = _EMPHASIS_MARKS[name]
    if not core or mark in core or (lookahead.before and lookahead.before in mark):
        return Span(find_closing.end(), markdown, plain)
    front, _, back = markdown.partition(core)
    return Span(find_closing.end(), f"{front}{mark}{core}{mark}{back}", plain)


def _drop(lookahead: Lookahead, length: int) -> Span | None:
    """Drop a tag; but between two runs of fence characters it stays, so that they do not become a fence."""
    return None if lookahead.before and lookahead.before in "`~" else Span(length, "", "")


def _find_attribute(tag: re.Match[str], name: str) -> str:
    found = re.search(_ATTRIBUTE.format(name=name), tag["rest"], re.IGNORECASE)
    return html.unescape(next((value for value in found.groups() if value), "")) if found else ""


def read_entity(lookahead: Lookahead) -> SpanResult:
    """Read a character that is written by its name or number."""
    entity = _ENTITY.match(lookahead.text)
    if entity is None:
        partial = _PARTIAL_ENTITY.match(lookahead.text)
        return (
            NEED_MORE
            if not lookahead.is_complete and partial is not None and partial.end() == len(lookahead.text)
            else None
        )
    character = html.unescape(entity[0])
    character = character.replace("\u00a0", " ")
    if character == entity[0] or not character.isprintable():
        return None
    return Span(entity.end(), f"\\{character}" if character in PUNCTUATION else character, character)
