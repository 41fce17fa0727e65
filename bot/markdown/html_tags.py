"""The bits of HTML that models write into markdown, and Discord's own marks, which look alike."""

import html
import re
from typing import Final

from bot.markdown.links import Link
from bot.markdown.lookahead import MORE, PUNCTUATION, Inside, Lookahead, Reading, Span
from bot.markdown.math import as_code, lowered, raised

RULE: Final = "─" * 15
"""Stands for a horizontal rule."""

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
