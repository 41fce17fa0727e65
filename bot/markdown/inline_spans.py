"""What inside a line means more than its characters: code, formulas, links, footnotes, addresses and bits of HTML."""

import re

from bot.markdown.html_tags import read_entity, read_tag
from bot.markdown.links import Link
from bot.markdown.lookahead import MORE, PUNCTUATION, Inside, Lookahead, More, Reading, Span
from bot.markdown.math import as_code, has_operator, looks_like_formula, raised

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
