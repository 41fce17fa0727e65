"""One line by itself: what it begins with, and how Discord shows it."""

import re
from dataclasses import dataclass
from typing import Final, Self

from bot.markdown.inline import render_inline
from bot.markdown.inline_spans import RULE
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
