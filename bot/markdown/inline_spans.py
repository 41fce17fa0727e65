"""What inside a line means more than its characters: code, formulas, links, footnotes, addresses and bits of HTML."""

import html
import re
from typing import Final

from bot.markdown.links import Link
from bot.markdown.lookahead import MORE, PUNCTUATION, Inside, Lookahead, More, Reading, Span
from bot.markdown.math import as_code, has_operator, looks_like_formula, lowered, raised

RULE: Final = "─" * 15
"""Stands for a horizontal rule."""

# Where a span may begin. A web address counts as one, for nothing in it means anything else.
START = re.compile(r"[\\`$!\[<&]|https?://", re.IGNORECASE)
BEGUN_START = re.compile(r"(?:h|ht|htt|https?|https?:|https?:/)\Z", re.IGNORECASE)

_TICKS = re.compile(r"`+")
_DOLLAR = re.compile(r"(?<!\\)\$")
_ADDRESS = re.compile(r"[^\s<>`|\[\]\"]+")
_FOOTNOTE = re.compile(r"\[\^([^\s\[\]^]{1,40})\]")


def read(ahead: Lookahead, inside: Inside, line_break: str) -> Reading:
    """Read the span that `ahead` begins with."""
    match ahead.text[0]:
        case "\\":
            return _escape(ahead)
        case "`":
            return _code(ahead)
        case "$":
            return _dollars(ahead)
        case "!":
            return _image(ahead)
        case "[":
            return _bracket(ahead, inside)
        case "<":
            return read_tag(ahead, inside, line_break)
        case "&":
            return read_entity(ahead)
    return _address(ahead)


def _escape(ahead: Lookahead) -> Reading:
    if len(ahead.text) < 2:
        return Span(1, "", "") if ahead.is_all else MORE  # at its end it only breaks the line
    kind = ahead.text[1]
    if kind in "([":
        closing = {"(": "\\)", "[": "\\]"}[kind]
        end = ahead.text.find(closing, 2)
        if end < 0:
            return MORE if not ahead.is_all else Span(2, ahead.text[:2], kind)
        formula = ahead.text[2:end]
        # Brackets are escaped more often than they hold a formula within a line.
        if looks_like_formula(formula) and (kind == "(" or has_operator(formula)):
            return Span(end + 2, as_code(formula), formula.strip())
    return Span(2, ahead.text[:2], kind) if kind in PUNCTUATION else None


def _code(ahead: Lookahead) -> Reading:
    runs = _TICKS.finditer(ahead.text)
    opening = next(runs).end()
    if opening == len(ahead.text) and not ahead.is_all:
        return MORE
    for run in runs:
        if run.end() == len(ahead.text) and not ahead.is_all:
            return MORE  # the run may go on
        if run.end() - run.start() == opening:
            content = ahead.text[opening : run.start()]
            return Span(run.end(), ahead.text[: run.end()], content.strip() or content)
    # Not closed, so a run of ticks is just that: whole, lest its rest be read as another.
    return Span(opening, "`" * opening, "`" * opening) if ahead.is_all else MORE


def _dollars(ahead: Lookahead) -> Reading:
    text = ahead.text
    if text.startswith("$$"):
        run = len(text) - len(text.lstrip("$"))
        if run == len(text) and not ahead.is_all:
            return MORE
        end = text.find("$$", run)
        if run == 2 and end < 0 and not ahead.is_all:
            return MORE
        formula = text[2:end] if run == 2 and end >= 0 else ""
        if not looks_like_formula(formula):
            return Span(run, "$" * run, "$" * run)
        return Span(end + 2, as_code(formula), formula.strip())
    if len(text) < 2:
        return ahead.unless_more()
    # As in Pandoc, so that money stays money: no space inside, no digit behind; and none of a word around it.
    if text[1].isspace() or _is_of_a_word(ahead.before):
        return None
    closing = _DOLLAR.search(text, 1)
    if closing is None:
        return ahead.unless_more()
    if closing.end() == len(text) and not ahead.is_all:
        return MORE
    formula, behind = text[1 : closing.start()], text[closing.end() : closing.end() + 1]
    if formula[-1].isspace() or _is_of_a_word(behind) or not looks_like_formula(formula):
        return None
    return Span(closing.end(), as_code(formula), formula)


def _is_of_a_word(character: str) -> bool:
    """Whether a dollar sign next to it is money or a variable's. Chinese and Japanese put no space around formulas."""
    return character.isascii() and (character.isalnum() or character in tuple("_$({\\"))


def _image(ahead: Lookahead) -> Reading:
    if len(ahead.text) < 2:
        return ahead.unless_more()
    if ahead.text[1] != "[":
        return None
    found = _link(ahead.beyond(1))
    if not isinstance(found, tuple):
        return found
    length, link = found
    link = Link(link.text.strip() or "image", link.target, link.title)
    return Span(length + 1, link.shown, link.text, link)


def _bracket(ahead: Lookahead, inside: Inside) -> Reading:
    if ahead.text.startswith("[^") or len(ahead.text) == 1:
        mark = _FOOTNOTE.match(ahead.text)
        if mark is not None:
            return Span(mark.end(), raised(mark[1]), raised(mark[1]))
        if not ahead.is_all and len(ahead.text) < 44:
            return MORE
    found = _link(ahead)
    if not isinstance(found, tuple):
        return found
    length, link = found
    _, bare = inside(link.text)
    if "![" in link.text:  # a badge: Discord nests no links
        link = Link(bare, link.target, link.title)
    return Span(length, link.shown, bare, link)


def _link(ahead: Lookahead) -> tuple[int, Link] | More | None:
    """Read `[text](target "title")`, with brackets in pairs, and give its length and itself."""
    end = ahead.closing(0) if "]" in ahead.text else None
    if end is None or (end + 1 == len(ahead.text) and not ahead.is_all):
        return ahead.unless_more()
    if ahead.text[end + 1 : end + 2] != "(":
        return None
    start = end + 2
    if ahead.text[start : start + 1] == "<":
        after = ahead.text.find(">", start)
        target = ahead.text[start + 1 : after]
        if after < 0:
            return ahead.unless_more()
        close = ahead.round_end(after)
        rest = ahead.text[after + 1 : close]
    else:
        close = ahead.closing(start - 1)
        target, _, rest = ahead.text[start:close].strip().partition(" ")
    if close is None:
        return ahead.unless_more()
    title = rest.strip()
    if title and (len(title) < 2 or title[0] + title[-1] not in ('""', "''", "()")):
        return None
    target = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", target)
    return close + 1, Link(ahead.text[1:end], target, title[1:-1].replace('"', "'"))


def _address(ahead: Lookahead) -> Reading:
    address = _ADDRESS.match(ahead.text)
    assert address is not None, "an address begins with its scheme"
    if address.end() == len(ahead.text) and not ahead.is_all:
        return MORE
    return Span(address.end(), address[0], address[0])


# HTML, and Discord's own marks, which look alike.

# Discord's mentions, emoji, times and commands, and addresses that are not to unfold.
_ATOM = re.compile(
    r"<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?|id:\w+|/[\w -]+:\d+|https?://[^<>\s]{1,900})>", re.IGNORECASE
)
_TAG = re.compile(r"<(?P<closing>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,10})(?P<rest>(?:\s[^<>]*)?)/?>")
_BEGUN_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]*|/|[!@#:][^<>]*)?")
_ATTRIBUTE = r"\b{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"

_AROUND: Final = {
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
_BEGUN_ENTITY = re.compile(r"&[A-Za-z0-9#]{0,31}")


def read_tag(ahead: Lookahead, inside: Inside, line_break: str) -> Reading:
    """Read what begins with `<`: a tag, an element, a comment, or one of Discord's own marks."""
    text = ahead.text
    if atom := _ATOM.match(text):
        return Span(atom.end(), atom[0], atom[0])
    if text.startswith("<!--"):
        end = text.find("-->")
        return ahead.unless_more() if end < 0 else _gone(ahead, end + 3)
    tag = _TAG.match(text)
    if tag is None:
        begun = _BEGUN_TAG.match(text)
        return MORE if not ahead.is_all and begun is not None and begun.end() == len(text) else None
    name = tag["name"].lower()
    if name == "br":
        space = len(text) - len(text[tag.end() :].lstrip(" \t"))
        return MORE if space == len(text) and not ahead.is_all else Span(space, line_break, "\n")
    if name in _DROPPED:
        return _gone(ahead, tag.end())
    if name == "li":
        return _gone(ahead, tag.end()) if tag["closing"] else Span(tag.end(), "• ", "• ")
    if name == "hr":
        return Span(tag.end(), f"{line_break}{RULE}{line_break}", "")
    if name == "img" and not tag["closing"]:
        link = Link(_attribute(tag, "alt") or "image", _attribute(tag, "src"))
        return Span(tag.end(), link.shown, link.text, link)
    if (
        tag["closing"]
        or tag["rest"].rstrip().endswith("/")
        or not (name in _AROUND or name in _CODE or name in _PAIRED)
    ):
        return None
    return _pair(ahead, tag, name, inside)


def _pair(ahead: Lookahead, tag: re.Match[str], name: str, inside: Inside) -> Reading:
    """Read an element of HTML from its opening tag to its closing one, in the same line."""
    closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(ahead.text, tag.end())
    if closing is None:
        return ahead.unless_more()
    content = ahead.text[tag.end() : closing.start()]
    if name in _CODE:
        code = html.unescape(content)
        return Span(closing.end(), as_code(code), code) if code.strip() else _gone(ahead, closing.end())
    shown, bare = inside(content)
    if name == "a":
        link = Link(shown, _attribute(tag, "href"))
        return Span(closing.end(), link.shown, bare, link)
    if name == "q":
        return Span(closing.end(), f"“{shown}”", f"“{bare}”")
    if name == "summary":
        return Span(closing.end(), f"**{shown.strip()}** ", bare)
    if name in ("sub", "sup"):
        write = raised if name == "sup" else lowered
        return Span(closing.end(), write(shown), write(bare))
    core = shown.strip()
    mark = _AROUND[name]
    if not core or mark in core or (ahead.before and ahead.before in mark):
        return Span(closing.end(), shown, bare)
    front, _, back = shown.partition(core)
    return Span(closing.end(), f"{front}{mark}{core}{mark}{back}", bare)


def _gone(ahead: Lookahead, length: int) -> Span | None:
    """Show nothing of a tag; but between two runs of fence characters it stays, lest they become a fence."""
    return None if ahead.before and ahead.before in "`~" else Span(length, "", "")


def _attribute(tag: re.Match[str], name: str) -> str:
    found = re.search(_ATTRIBUTE.format(name=name), tag["rest"], re.IGNORECASE)
    return html.unescape(next((value for value in found.groups() if value), "")) if found else ""


def read_entity(ahead: Lookahead) -> Reading:
    """Read a character that is written by its name or number."""
    entity = _ENTITY.match(ahead.text)
    if entity is None:
        begun = _BEGUN_ENTITY.match(ahead.text)
        return MORE if not ahead.is_all and begun is not None and begun.end() == len(ahead.text) else None
    character = html.unescape(entity[0])
    character = character.replace("\u00a0", " ")
    if character == entity[0] or not character.isprintable():
        return None
    return Span(entity.end(), f"\\{character}" if character in PUNCTUATION else character, character)
