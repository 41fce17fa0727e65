"""Which code fence is open after a line: the block structure of CommonMark, as far as fences depend on it.

Two readers have to agree about a message. CommonMark (and `markdown-it-py`, the tests' oracle) knows fences as lines
of their own, inside block quotes and list items too. Discord takes three backticks anywhere, at any depth. The rules
here are CommonMark's, with these decisions:

* Raw HTML and link definitions are ordinary text, as they are to Discord; they hide no fence.
* Four or more spaces before the backticks make an indented code block in CommonMark and a fence in Discord. Such a
  fence is followed as `loose`: it is closed and reopened for Discord's sake, by lines that mean nothing in CommonMark.
* Backticks in the middle of a line open and close nothing. Discord would pair them, but only within one message, and
  a fence line added for them would leave CommonMark's view open.
* `~~~` fences are CommonMark's alone; they are closed and reopened with tildes, which Discord shows as they are.

One line at a time, constant memory: a `BlockState` is all that is known after a line.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

QUOTE: Final = 0
"""A block quote among a place's containers; any other number is a list item's width in columns."""

_DEEPEST = 40
"""More containers than anybody nests; further markers are read as text, so that no line costs more than its length."""

_OPENING = re.compile(r"(?P<marker>`{3,})(?P<info>[^`]*)$|(?P<tildes>~{3,})(?P<words>.*)$")
_HEADING = re.compile(r"#{1,6}(?: |$)")
_UNDERLINE = re.compile(r"(?:=+|-+) *$")
_RULE = re.compile(r"(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
_ITEM = re.compile(r"(?:[-+*]|(?P<number>\d{1,9})[.)])(?= |$)")
# What Discord takes for a language after the backticks; anything else it shows as the first line of code.
_LANGUAGE = re.compile(r"[0-9A-Za-z_+\-.#]{1,32}")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code fence: its run of backticks or tildes, its language ("" if none) and what it stands in.

    `filled` tells whether anything but white space came after its first line.
    """

    marker: str
    language: str
    containers: tuple[int, ...]
    filled: bool = False

    @property
    def closing(self) -> str:
        """The line that closes it where it stands."""
        return "".join("> " if inside == QUOTE else " " * inside for inside in self.containers) + self.marker

    @property
    def reopening(self) -> str:
        """The line that opens it again in another message: in its block quotes, but in no list."""
        return "> " * self.containers.count(QUOTE) + self.marker + self.language

    def is_closed_by(self, content: str) -> bool:
        """Whether `content`, a line less its containers, ends the fence."""
        bare = content.strip(" \t")
        return (
            len(bare) >= len(self.marker)
            and not bare.strip(self.marker[0])
            and len(content) - len(content.lstrip(" ")) < 4
        )


@dataclass(frozen=True, slots=True)
class BlockState:
    """What is known after a line: the containers, whether a paragraph goes on, and the open fence."""

    containers: tuple[int, ...] = ()
    in_paragraph: bool = False
    fence: Fence | None = None
    loose: Fence | None = None
    hollow: bool = False  # the innermost list item has nothing after its marker yet

    @property
    def open(self) -> Fence | None:
        """The fence that has to be closed if the message ends here."""
        return self.fence or self.loose


START: Final = BlockState()
_PROSE: Final = BlockState(in_paragraph=True)


def follow(place: BlockState, line: str) -> BlockState:
    """Tell what is open after `line`, which comes after `place` and has no line end."""
    if not place.containers and not place.loose:  # the common cases, cheaply
        if place.fence is None and line[:1].isalpha():
            return _PROSE
        if place.fence is not None and place.fence.filled and place.fence.marker not in line:
            return place
    line = line.expandtabs(4)
    after = _read_block(place, line)
    if after.fence is not None:
        return after
    loose = _follow_loose(place.loose, line, seen=place.fence is None)
    return after if loose == after.loose else replace(after, loose=loose)


def descend(containers: tuple[int, ...], line: str) -> tuple[int, int]:
    """Tell how many of `containers` go on in `line` (without tabs), and at which column their content begins."""
    column = 0
    for depth, container in enumerate(containers):
        indent = _indent(line, column)
        start = column + indent
        if container == QUOTE:
            if line[start : start + 1] != ">":  # indented as far as it likes: so do Discord and markdown-it
                return depth, column
            column = start + 2 if line[start + 1 : start + 2] == " " else start + 1
        elif start == len(line):  # a blank line belongs to any list item
            column = min(column + container, len(line))
        elif indent >= container:
            column += container
        else:
            return depth, column
    return len(containers), column


def _read_block(place: BlockState, line: str) -> BlockState:
    """`follow` by CommonMark's rules alone."""
    depth, column = descend(place.containers, line)
    all_go_on = depth == len(place.containers)
    if place.fence is not None and all_go_on:
        content = line[column:]
        if place.fence.is_closed_by(content):
            return BlockState(place.containers)
        if place.fence.filled or not content.strip():
            return place
        return replace(place, fence=replace(place.fence, filled=True))
    containers = place.containers[:depth]
    if not line[column:].strip(" "):
        hollow_ends = place.hollow and all_go_on
        return BlockState(containers[:-1] if hollow_ends else containers)
    return _read_openings(place, line, column, containers, all_go_on=all_go_on)


def _read_openings(
    place: BlockState, line: str, column: int, containers: tuple[int, ...], *, all_go_on: bool
) -> BlockState:
    """Read the containers and the block that a line begins, from `column` on."""
    before = containers
    while True:
        indent = _indent(line, column)
        start = column + indent
        goes_on = place.in_paragraph and containers is before  # nothing new so far, so the paragraph may go on
        if indent >= 4:
            return replace(place, hollow=False, loose=None) if goes_on else BlockState(containers)
        if line[start] == ">" and len(containers) < _DEEPEST:
            containers = (*containers, QUOTE)
            column = start + 2 if line[start + 1 : start + 2] == " " else start + 1
            if not line[column:].strip(" "):
                return BlockState(containers)
            continue
        content = line[start:]
        opening = _OPENING.match(content)
        if opening:
            return BlockState(containers, fence=_fence(opening, containers))
        interrupted = goes_on and all_go_on  # a paragraph of this very depth, not of one that ends here
        if _HEADING.match(content) or _RULE.match(content) or (interrupted and _UNDERLINE.match(content)):
            return BlockState(containers)
        item = _ITEM.match(content) if len(containers) < _DEEPEST else None
        if item and not (interrupted and not _may_interrupt(item, content)):
            after_marker = start + item.end()
            gap = _indent(line, after_marker)
            if after_marker + gap == len(line):
                return BlockState((*containers, indent + item.end() + 1), hollow=True)
            width = indent + item.end() + (gap if gap <= 4 else 1)
            containers = (*containers, width)
            column += width
            continue
        if goes_on:
            return BlockState(place.containers, in_paragraph=True)
        return BlockState(containers, in_paragraph=True)


def _follow_loose(fence: Fence | None, line: str, *, seen: bool) -> Fence | None:
    """Follow a fence that only Discord sees, because it is indented too far."""
    content = line.lstrip(" ")
    if fence is not None:
        if fence.is_closed_by(content):
            return None
        return replace(fence, filled=True) if content and not fence.filled else fence
    opening = _OPENING.match(content) if content[:3] == "```" and seen else None
    column = len(line) - len(content)
    return _fence(opening, (column,)) if opening and column >= 4 else None


def _fence(opening: re.Match[str], containers: tuple[int, ...]) -> Fence:
    info = (opening["info"] or opening["words"] or "").split(maxsplit=1)
    language = _LANGUAGE.fullmatch(info[0]) if info else None
    # A first line too long to be a language is something to read: the fence is not empty.
    filled = bool(info) and (len(info[0]) > 32 or len(info) > 1)
    return Fence(opening["marker"] or opening["tildes"], language[0] if language else "", containers, filled=filled)


def _may_interrupt(item: re.Match[str], content: str) -> bool:
    """Whether a list item may begin in the middle of a paragraph: with text, and counting from one."""
    return bool(content[item.end() :].strip(" ")) and (item["number"] is None or int(item["number"]) == 1)


def _indent(line: str, column: int) -> int:
    """Count the spaces at `column`."""
    return len(line) - column - len(line[column:].lstrip(" "))
