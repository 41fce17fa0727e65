"""Which code fence is open after a line: the block structure of CommonMark, as far as fences depend on it.

Two readers have to agree about a message. CommonMark (and `markdown-it-py`, the tests' oracle) knows fences as lines
of their own, inside block quotes and list items too. Discord takes three backticks anywhere, at any depth. The rules
here are CommonMark's, with these decisions:

* Raw HTML and link definitions are ordinary text, as they are to Discord; they hide no fence.
* Four or more spaces before the backticks make an indented code block in CommonMark and a fence in Discord. Such a
  fence is an `indented_fence`: it is closed and reopened for Discord's sake, by lines that mean nothing in CommonMark.
* Backticks in the middle of a line open and close nothing. Discord would pair them, but only within one message, and
  a fence line added for them would leave CommonMark's view open.
* `~~~` fences are CommonMark's alone; they are closed and reopened with tildes, which Discord shows as they are.

One line at a time, constant memory: a `BlockState` is all that is known after a line.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

QUOTE: Final = 0
"""A block quote among a line's containers; any other number is a list item's width in columns."""

_MAX_CONTAINERS = 40
"""More containers than people nest; further markers are read as text, so that no line costs more than its length."""

_OPENING = re.compile(r"(?P<marker>`{3,})(?P<info>[^`]*)$|(?P<tildes>~{3,})(?P<words>.*)$")
_HEADING = re.compile(r"#{1,6}(?: |$)")
_UNDERLINE = re.compile(r"(?:=+|-+) *$")
_RULE = re.compile(r"(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
_ITEM = re.compile(r"(?:[-+*]|(?P<number>\d{1,9})[.)])(?= |$)")
# What Discord takes for a language after the backticks; anything else it shows as the first line of code.
_LANGUAGE = re.compile(r"[0-9A-Za-z_+\-.#]{1,32}")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code fence: its run of backticks or tildes, its language ("" if none) and its containers.

    `has_content` tells whether anything but white space came after its first line.
    """

    marker: str
    language: str
    containers: tuple[int, ...]
    has_content: bool = False

    @property
    def closing(self) -> str:
        """The line that closes it, within its containers."""
        return "".join("> " if inside == QUOTE else " " * inside for inside in self.containers) + self.marker

    @property
    def reopening(self) -> str:
        """The line that opens it again in another message: in its block quotes, but in no list."""
        return "> " * self.containers.count(QUOTE) + self.marker + self.language

    def is_closed_by(self, content: str) -> bool:
        """Return whether `content`, a line less its containers, ends the fence."""
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
    indented_fence: Fence | None = None
    is_empty_item: bool = False  # the innermost list item has nothing after its marker yet

    @property
    def open_fence(self) -> Fence | None:
        """The fence that has to be closed if the message ends here."""
        return self.fence or self.indented_fence


INITIAL_STATE: Final = BlockState()
_IN_PARAGRAPH: Final = BlockState(in_paragraph=True)


def next_state(state: BlockState, line: str) -> BlockState:
    """Return what is open after `line`, which comes after `state` and has no line end."""
    if not state.containers and not state.indented_fence:  # the common cases, cheaply
        if state.fence is None and line[:1].isalpha():
            return _IN_PARAGRAPH
        if state.fence is not None and state.fence.has_content and state.fence.marker not in line:
            return state
    line = line.expandtabs(4)
    after = _next_commonmark_state(state, line)
    if after.fence is not None:
        return after
    indented_fence = _next_indented_fence(state.indented_fence, line, outside_fence=state.fence is None)
    return after if indented_fence == after.indented_fence else replace(after, indented_fence=indented_fence)


def match_containers(containers: tuple[int, ...], line: str) -> tuple[int, int]:
    """Return how many of `containers` go on in `line` (without tabs), and at which column their content begins."""
    column = 0
    for depth, container in enumerate(containers):
        indent = _count_indent(line, column)
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


def _next_commonmark_state(state: BlockState, line: str) -> BlockState:
    """Return what `next_state` does, by CommonMark's rules alone."""
    depth, column = match_containers(state.containers, line)
    all_go_on = depth == len(state.containers)
    if state.fence is not None and all_go_on:
        content = line[column:]
        if state.fence.is_closed_by(content):
            return BlockState(state.containers)
        if state.fence.has_content or not content.strip():
            return state
        return replace(state, fence=replace(state.fence, has_content=True))
    containers = state.containers[:depth]
    if not line[column:].strip(" "):
        item_ends = state.is_empty_item and all_go_on
        return BlockState(containers[:-1] if item_ends else containers)
    return _read_openings(state, line, column, containers, all_go_on=all_go_on)


def _read_openings(
    state: BlockState, line: str, column: int, containers: tuple[int, ...], *, all_go_on: bool
) -> BlockState:
    """Read the containers and the block that a line begins, from `column` on."""
    before = containers
    while True:
        indent = _count_indent(line, column)
        start = column + indent
        goes_on = state.in_paragraph and containers is before  # nothing new so far, so the paragraph may go on
        if indent >= 4:
            return replace(state, is_empty_item=False, indented_fence=None) if goes_on else BlockState(containers)
        if line[start] == ">" and len(containers) < _MAX_CONTAINERS:
            containers = (*containers, QUOTE)
            column = start + 2 if line[start + 1 : start + 2] == " " else start + 1
            if not line[column:].strip(" "):
                return BlockState(containers)
            continue
        content = line[start:]
        opening = _OPENING.match(content)
        if opening:
            return BlockState(containers, fence=_build_fence(opening, containers))
        interrupted = goes_on and all_go_on  # a paragraph of this very depth, not of one that ends here
        if _HEADING.match(content) or _RULE.match(content) or (interrupted and _UNDERLINE.match(content)):
            return BlockState(containers)
        item = _ITEM.match(content) if len(containers) < _MAX_CONTAINERS else None
        if item and not (interrupted and not _can_interrupt(item, content)):
            after_marker = start + item.end()
            gap = _count_indent(line, after_marker)
            if after_marker + gap == len(line):
                return BlockState((*containers, indent + item.end() + 1), is_empty_item=True)
            width = indent + item.end() + (gap if gap <= 4 else 1)
            containers = (*containers, width)
            column += width
            continue
        if goes_on:
            return BlockState(state.containers, in_paragraph=True)
        return BlockState(containers, in_paragraph=True)


def _next_indented_fence(fence: Fence | None, line: str, *, outside_fence: bool) -> Fence | None:
    """Return the open fence that only Discord sees, because it is indented too far for CommonMark."""
    content = line.lstrip(" ")
    if fence is not None:
        if fence.is_closed_by(content):
            return None
        return replace(fence, has_content=True) if content and not fence.has_content else fence
    opening = _OPENING.match(content) if content[:3] == "```" and outside_fence else None
    column = len(line) - len(content)
    return _build_fence(opening, (column,)) if opening and column >= 4 else None


def _build_fence(opening: re.Match[str], containers: tuple[int, ...]) -> Fence:
    info = (opening["info"] or opening["words"] or "").split(maxsplit=1)
    language = _LANGUAGE.fullmatch(info[0]) if info else None
    # A first line too long to be a language is something to read: the fence is not empty.
    has_content = bool(info) and (len(info[0]) > 32 or len(info) > 1)
    return Fence(
        opening["marker"] or opening["tildes"], language[0] if language else "", containers, has_content=has_content
    )


def _can_interrupt(item: re.Match[str], content: str) -> bool:
    """Return whether a list item may begin in the middle of a paragraph: with text, and counting from one."""
    return bool(content[item.end() :].strip(" ")) and (item["number"] is None or int(item["number"]) == 1)


def _count_indent(line: str, column: int) -> int:
    """Return the number of spaces at `column`."""
    return len(line) - column - len(line[column:].lstrip(" "))
