"""The blocks of a Markdown text, line by line: block quotes, list items, paragraphs and code fences.

The one reader of blocks: what is shown, what is said and what counts as reasoning agree about what is code. CommonMark
(and `markdown-it-py`, the tests' oracle) knows fences as lines of their own, inside block quotes and list items too.
Discord takes three backticks anywhere, at any depth. The rules here are CommonMark's, with these decisions:

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
from functools import lru_cache
from typing import Final, Protocol, Self

QUOTE: Final = 0
"""A block quote among a line's containers; any other number is a list item's width in columns."""

_MAX_CONTAINERS = 40
"""More containers than people nest; further markers are read as text, so that no line costs more than its length."""

_INDENT = re.compile(r" *")
_OPENING = re.compile(r"(?P<marker>`{3,})(?P<info>[^`]*)$|(?P<tildes>~{3,})(?P<words>.*)$")
_LEAF = re.compile(r"#{1,6}(?: |$)|(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
"""A heading or a rule: a block of one line."""
_UNDERLINE = re.compile(r"(?:=+|-+) *$")
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
    containers: tuple[int, ...] = ()
    has_content: bool = False

    @property
    def closing(self) -> str:
        """The line that closes it, within its containers."""
        return _format_prefix(self.containers) + self.marker

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


def read_fence(content: str, containers: tuple[int, ...] = ()) -> Fence | None:
    """Return the fence that `content`, a line less its containers, opens; None where it opens none."""
    opening = _OPENING.match(content)
    if opening is None:
        return None
    info = (opening["info"] or opening["words"] or "").split(maxsplit=1)
    language = _LANGUAGE.fullmatch(info[0]) if info else None
    # A first line too long to be a language is something to read: the fence is not empty.
    has_content = bool(info) and (len(info[0]) > 32 or len(info) > 1)
    return Fence(
        opening["marker"] or opening["tildes"], language[0] if language else "", containers, has_content=has_content
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


class BlockReader:
    """The blocks of a text that comes piece by piece."""

    def __init__(self) -> None:
        self.state = INITIAL_STATE  # before the current line
        self._line: list[str] = []  # the current line so far
        self._is_code: bool | None = None  # that line is code; None where that was not asked

    @property
    def has_line(self) -> bool:
        """Whether something of the current line has come."""
        return bool(self._line)

    def add(self, text: str) -> None:
        """Add `text`, which has no line end, to the current line."""
        if text:
            self._line.append(text)

    def state_after(self, rest: str) -> BlockState:
        """Return the state after the current line if it ends with `rest`."""
        return next_state(self.state, "".join([*self._line, rest]))

    def is_code(self, rest: str) -> bool:
        """Return whether the current line, which goes on with `rest`, is code, or the end of it.

        `rest` has anything but white space and quote marks, or is the whole rest of the line.
        """
        if self.state.open_fence is None:
            return False
        if self._is_code is None:
            self._is_code = is_code(self.state, "".join([*self._line, rest]))
        return self._is_code

    def end_line(self) -> Fence | None:
        """End the current line; return the fence that it opened, if it did."""
        line = "".join(self._line)
        was_code = is_code(self.state, line)
        self._go_on(next_state(self.state, line))
        return None if was_code else self.state.open_fence

    def open_fence(self, fence: Fence) -> None:
        """Open a fence that began in the middle of the line before, as Discord alone does."""
        self._go_on(BlockState(fence=fence))

    def close_fence(self) -> None:
        """End the fence in the middle of a line, as Discord alone does; words follow, in the same containers."""
        containers = self.state.containers
        self._go_on(BlockState(containers))
        self._line.append(f"{_format_prefix(containers)}words")

    def _go_on(self, state: BlockState) -> None:
        self.state = state
        self._line.clear()
        self._is_code = None


def is_code(state: BlockState, line: str) -> bool:
    """Return whether `line` belongs to a fence that is open before it, as code or as its end."""
    if state.fence is None:
        return state.indented_fence is not None
    depth, _ = match_containers(state.containers, line.expandtabs(4))
    return depth == len(state.containers)


def next_state(state: BlockState, line: str) -> BlockState:
    """Return what is open after `line`, which comes after `state` and has no line end."""
    if not state.containers and not state.indented_fence:  # the common cases, cheaply
        if state.fence is None and line[:1].isalpha():
            return _IN_PARAGRAPH
        if state.fence is not None and state.fence.has_content and state.fence.marker not in line:
            return state
    return _remembered_state(state, line) if len(line) <= _LONGEST_REMEMBERED else _read_state(state, line)


def _read_state(state: BlockState, line: str) -> BlockState:
    """Return what `next_state` does, for any line."""
    line = line.expandtabs(4)
    after = _next_commonmark_state(state, line)
    if after.fence is not None:
        return after
    indented_fence = _next_indented_fence(state.indented_fence, line, outside_fence=state.fence is None)
    return after if indented_fence == after.indented_fence else replace(after, indented_fence=indented_fence)


# An answer's preview reads the lines of its last page again with each piece of text.
_LONGEST_REMEMBERED: Final = 100
_remembered_state = lru_cache(maxsize=128)(_read_state)


def match_containers(containers: tuple[int, ...], line: str) -> tuple[int, int]:
    """Return how many of `containers` go on in `line` (without tabs), and at which column their content begins."""
    column = 0
    for depth, container in enumerate(containers):
        indent = _count_indent(line, column)
        start = column + indent
        if container == QUOTE:
            if not line.startswith(">", start):  # indented as far as it likes: so do Discord and markdown-it
                return depth, column
            column = _skip_quote_mark(line, start)
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
    cursor = _Cursor(line, column, state.containers[:depth])
    if cursor.is_at_end:
        item_ends = state.is_empty_item and all_go_on
        return BlockState(cursor.containers[:-1] if item_ends else cursor.containers)
    return _read_openings(state, cursor, all_go_on=all_go_on)


class _Cursor:
    """A place in a line where containers or a block may begin, behind the containers that go on in the line."""

    def __init__(self, line: str, column: int, containers: tuple[int, ...]) -> None:
        self.line = line
        self.containers = containers
        self.has_new_container = False
        self._move_to(column)

    def _move_to(self, column: int) -> None:
        self._column = column
        self.indent = _count_indent(self.line, column)
        self._start = column + self.indent

    @property
    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return self._start == len(self.line)

    @property
    def content(self) -> str:
        """What follows, without its indentation."""
        return self.line[self._start :]

    def take_quote(self) -> bool:
        """Move behind a quote mark; return False where none follows."""
        if len(self.containers) >= _MAX_CONTAINERS or not self.line.startswith(">", self._start):
            return False
        self._take(QUOTE, _skip_quote_mark(self.line, self._start))
        return True

    def take_item(self, *, in_paragraph: bool) -> bool:
        """Move behind a list item's marker; return False where none follows, or none that may end a paragraph."""
        item = _ITEM.match(self.line, self._start) if len(self.containers) < _MAX_CONTAINERS else None
        if item is None:
            return False
        gap = _count_indent(self.line, item.end())
        is_empty = item.end() + gap == len(self.line)
        # In the middle of a paragraph a list item has text, and counts from one.
        if in_paragraph and (is_empty or (item["number"] is not None and int(item["number"]) != 1)):
            return False
        width = item.end() - self._column + (gap if gap <= 4 and not is_empty else 1)
        self._take(width, min(self._column + width, len(self.line)))
        return True

    def _take(self, container: int, column: int) -> None:
        self.containers = (*self.containers, container)
        self.has_new_container = True
        self._move_to(column)


def _read_openings(state: BlockState, cursor: _Cursor, *, all_go_on: bool) -> BlockState:
    """Return what is open after a line, from its new containers and the block that begins in it, at `cursor`."""
    while True:
        goes_on = state.in_paragraph and not cursor.has_new_container  # the paragraph may go on
        if cursor.indent >= 4:
            return (
                replace(state, is_empty_item=False, indented_fence=None) if goes_on else BlockState(cursor.containers)
            )
        if cursor.take_quote():
            if cursor.is_at_end:
                return BlockState(cursor.containers)
            continue
        if fence := read_fence(cursor.content, cursor.containers):
            return BlockState(cursor.containers, fence=fence)
        in_paragraph = goes_on and all_go_on  # in one of this very depth, not in one that ends here
        if _LEAF.match(cursor.content) or (in_paragraph and _UNDERLINE.match(cursor.content)):
            return BlockState(cursor.containers)
        if cursor.take_item(in_paragraph=in_paragraph):
            if cursor.is_at_end:
                return BlockState(cursor.containers, is_empty_item=True)
            continue
        return BlockState(state.containers if goes_on else cursor.containers, in_paragraph=True)


def _next_indented_fence(fence: Fence | None, line: str, *, outside_fence: bool) -> Fence | None:
    """Return the open fence that only Discord sees, because it is indented too far for CommonMark."""
    content = line.lstrip(" ")
    if fence is not None:
        if fence.is_closed_by(content):
            return None
        return replace(fence, has_content=True) if content and not fence.has_content else fence
    column = len(line) - len(content)
    if column < 4 or not outside_fence or not content.startswith("```"):
        return None
    return read_fence(content, (column,))


def _count_indent(line: str, column: int) -> int:
    """Return the number of spaces at `column`."""
    indent = _INDENT.match(line, column)
    return indent.end() - column if indent else 0


def _skip_quote_mark(line: str, start: int) -> int:
    """Return the column behind the quote mark at `start`, and behind the space that belongs to it."""
    return start + 2 if line.startswith(" ", start + 1) else start + 1


def _format_prefix(containers: tuple[int, ...]) -> str:
    """Return what a line begins with that is in `containers`, without a list item's marker."""
    return "".join("> " if inside == QUOTE else " " * inside for inside in containers)


@dataclass(frozen=True, slots=True)
class Inset:
    """The block quotes and list items that a block is in."""

    containers: tuple[int, ...]

    @classmethod
    def of_line(cls, line: str, after: BlockState) -> Self | None:
        """Return what `line` is in, given the state after it; None where a list item begins in that line."""
        inset = cls(after.containers)
        return None if inset.content_of(line) is None else inset

    @property
    def prefix(self) -> str:
        """What each of the block's lines begins with."""
        return _format_prefix(self.containers)

    def content_of(self, line: str) -> str | None:
        """Return a line without quotes and indentation; None where it is not in them."""
        flat = line.expandtabs(4)
        depth, column = match_containers(self.containers, flat)
        return flat[column:].strip() if depth == len(self.containers) else None

    def format_fence(self, lines: list[str], language: str = "") -> str:
        """Return `lines` in a code fence."""
        return "".join(f"{self.prefix}{line}".rstrip() + "\n" for line in [f"```{language}", *lines, "```"])


class Paper(Protocol):
    """Where rendered text is written, once it is certain: the wall between blocks and the cutting into messages."""

    @property
    def room(self) -> int:
        """Return how many more code points the current message can take."""
        ...

    def write(self, text: str) -> None:
        """Append `text`."""
        ...

    def make_room(self, room: int) -> None:
        """Start another message unless the current one can take `room` more code points."""
        ...
