"""One line by itself: what it begins with, and how Discord shows it."""

import re
from dataclasses import dataclass
from typing import Final, Self

from bot.markdown.inline import render
from bot.markdown.inline_spans import RULE
from bot.markdown.math import raised

_LEAD = re.compile(r"(?P<quotes>[ \t>]*)(?P<items>(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<box>\[[ xX]\](?=[ \t]))?")
_BOXES: Final = {" ": "☐", "x": "☑"}
_RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_UNDERLINE = re.compile(r"=+[ \t]*")
_DEEP_HEADING = re.compile(r"#{4,}[ \t]+")
_BOLD = re.compile(r"(`+[^`]+`+)|\*\*")
_NOTE = re.compile(r"\[\^(?P<label>[^\s\[\]^]{1,40})\]:[ \t]*(?P<text>.*)")
_LONGEST_LEAD: Final = 40
"""Characters of quotes and items in front of a line; behind more of them no line breaks."""
_ALERT = re.compile(r"\[!(?P<kind>[A-Za-z]{1,20})\][ \t]*")
# What a line may begin with that is more than words, or may turn out to be.
_SPECIAL = re.compile(r"#{4}|[-*_=][ \t]*[-*_=][ \t]*[-*_=]|\$\$|\\\[|\\begin|\[\^|\[!|<|`{3}|~{3}")

ENOUGH: Final = 128
"""So many characters of a line tell whether it is ordinary text; then it is shown as it comes."""


@dataclass(frozen=True, slots=True)
class Lead:
    """What stands in front of a line's content: quote marks, the marks of list items, and a task's box."""

    before: str
    content: str

    @classmethod
    def read(cls, line: str) -> Self:
        """Take a line apart; the box is drawn already."""
        lead = _LEAD.match(line)
        assert lead is not None, "it matches nothing at all, too"
        before, end = lead["quotes"] + lead["items"], lead.end("items")
        if lead["box"] and lead["items"]:
            before, end = before + _BOXES[lead["box"][1].lower()], lead.end()
        return cls(before, line[end:])

    @property
    def line_break(self) -> str:
        """A line end after which the content goes on in the same quotes and items; a space where they are too deep."""
        if len(self.before) > _LONGEST_LEAD:
            return " "
        return "\n" + re.sub(r"[^>\s]", " ", self.before)


def is_ordinary(head: str) -> bool:
    """Whether a line that begins with `head` is text to be shown as it comes, however it goes on."""
    content = Lead.read(head).content
    return len(content) >= ENOUGH // 4 and "|" not in head and _SPECIAL.match(content) is None


def begins_fence(line: str) -> bool:
    """Whether `line` has the marks of a fence behind its quotes and items."""
    return Lead.read(line).content.startswith(("```", "~~~"))


def translate(line: str, *, in_paragraph: bool = False) -> str | None:
    """Render a line that stands by itself, outside of code; None where nothing of it shows."""
    quotes = line[: len(line) - len(line.lstrip(" \t>"))]
    bare = line[len(quotes) :]
    if _RULE.fullmatch(bare) or (in_paragraph and _UNDERLINE.fullmatch(bare)):
        return quotes + RULE
    lead = Lead.read(line)
    if (heading := _DEEP_HEADING.match(lead.content)) and (title := _less_hashes(lead.content[heading.end() :])):
        title = render(title).shown.strip()
        return f"{lead.before}**{_BOLD.sub(lambda found: found[1] or '', title)}**"
    if note := _NOTE.fullmatch(lead.content):
        return f"{lead.before}-# {raised(note['label'])} {render(note['text']).shown}".rstrip()
    if (alert := _ALERT.fullmatch(lead.content)) and ">" in quotes:
        return f"{lead.before}**{alert['kind'].capitalize()}**"
    shown = render(lead.content, lead.line_break).shown
    is_gone = lead.content.strip() and not shown.strip() and not lead.before.strip(" \t>")
    return None if is_gone else lead.before + shown


def _less_hashes(title: str) -> str:
    """Take off a title the hashes that close it, and the white space around it."""
    title = title.strip()
    bare = title.rstrip("#")
    return bare.rstrip() if bare.endswith((" ", "\t")) else title
