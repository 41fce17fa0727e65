"""The layout of one part of a text: what it looks like when it ends at some position, and where it should end."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.markdown import break_points
from bot.markdown.blocks import INITIAL_STATE, QUOTE, BlockState, match_containers, next_state

LOOKAHEAD: Final = 64
"""How far beyond the limit a cut may look, in characters. What comes later never changes it."""

# Fence lines and white space, perhaps with a fence in the making. Whatever begins such a text is one too, so what was
# once worth showing stays so. Possessive throughout: a long run of backticks is taken or left as a whole.
_ONLY_FENCES = re.compile(r"[>\s]*+(?:(?:`{3,}+|~{3,}+)[^`~\s]{0,32}+[>\s]*+)*+(?:`{1,2}|~{1,2})?\Z")


@dataclass(frozen=True, slots=True)
class PartOpening:
    """How a part begins: with the line of a fence that is still open, or with nothing.

    `containers` are the block quotes and list items that the part's lines still have from the part before. Their
    indentation is removed, for a part that begins with the second level of a list shows it as the first: Discord drops
    the white space that a message begins with. `is_mid_line`: the first line no longer has them.
    """

    line: str = ""
    state: BlockState = INITIAL_STATE
    containers: tuple[int, ...] = ()
    is_mid_line: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the window: where it starts and ends there, what it looks like, and what is open around it."""

    start: int
    end: int
    text: str
    offset: int  # where `text` begins in the part
    before: BlockState
    after: BlockState
    carried: tuple[int, ...]  # the opening's containers, as long as lines are in them
    is_mid_line: bool  # the part's first line, without them


class PageLayout:
    """The window of text from which a part is cut, laid out behind an opening.

    `window` must not begin with a blank line. Positions are those of the window. Lengths are code points, as Discord
    counts them (discord-api-docs #1315).
    """

    def __init__(self, opening: PartOpening, window: str, limit: int) -> None:
        self._opening = opening
        self._window = window
        self._limit = limit
        self._lines = list(self._lay_out())
        self._starts = [line.start for line in self._lines]

    def render(self, position: int) -> str:
        """Return the part that ends at `position`, with every fence closed."""
        position = self._trim_end(position)
        if position == 0:
            return ""
        last = self._line_at(position)
        lines = [line.text for line in self._lines[: self._index_at(position)]]
        lines.append(self._line_until(last, position))
        closing = self._closing_lines(self._state_at(position))
        return "\n".join([*([self._opening.line] if self._opening.line else []), *lines, *closing]).rstrip()

    def length(self, position: int) -> int:
        """Return the number of characters of `render(position)`."""
        position = self._trim_end(position)
        if position == 0:
            return 0
        last = self._line_at(position)
        closing = self._closing_lines(self._state_at(position))
        return last.offset + len(self._line_until(last, position)) + (len(closing[0]) + 1 if closing else 0)

    def fits(self) -> bool:
        """Return whether the whole window fits into one part."""
        return self.length(len(self._window)) <= self._limit

    def has_only_fences(self) -> bool:
        """Return whether nothing but fence lines and white space is in the window."""
        return _ONLY_FENCES.match(self._window) is not None

    def find_best_cut(self) -> int:
        """Return where the part should end, when the window does not fit.

        The last paragraph, else line, else sentence of its upper half; else the last word but for a short rest; else
        the last character.
        """
        for candidates in (self._paragraphs, self._line_ends, self._fenced_line_ends, self._sentences, self._words):
            for position in candidates():
                if self._is_acceptable(position):
                    return position
        return self.find_last_cut()

    def find_last_cut(self) -> int:
        """Return the last position that fits, at a word if one is near."""
        last_position = self._find_last_position()
        for position in break_points.word_ends(self._window, max(1, last_position - self._limit // 8), last_position):
            if self._is_acceptable(position):
                return position
        for position in self._characters(last_position):
            if self._is_acceptable(position):
                return position
        position = last_position
        while position > 1 and self.length(position) > self._limit:
            position //= 2  # a fence so long that closing it takes as much again
        return max(1, position)

    def get_opening_at(self, position: int) -> PartOpening:
        """Return how the next part begins when this one ends at `position`."""
        position = self._trim_end(position)
        if position == 0:
            return self._opening
        last = self._line_at(position)
        is_mid_line = bool(self._window[position : last.end].strip())
        state = self._state_at(position)
        fence = state.open_fence
        if fence is None:
            return PartOpening(is_mid_line=is_mid_line)
        containers = last.carried + fence.containers[last.carried.count(QUOTE) :]
        if is_mid_line and QUOTE in containers:
            return PartOpening(
                is_mid_line=True
            )  # the rest of the line has lost its quote mark, and with it the quote's fence
        for line in (fence.reopening, fence.reopening.removesuffix(fence.language)):
            if len(line) + len(fence.closing) <= self._limit // 4:
                return PartOpening(line, next_state(INITIAL_STATE, line), containers, is_mid_line=is_mid_line)
        return PartOpening(is_mid_line=is_mid_line)

    def _lay_out(self) -> Iterator[_Line]:
        """Yield the window's lines as long as they begin within the limit."""
        state, carried = self._opening.state, self._opening.containers
        offset = len(self._opening.line) + 1 if self._opening.line else 0
        start = 0
        while start <= len(self._window) and offset <= self._limit + 1:
            end = self._window.find("\n", start)
            end = len(self._window) if end < 0 else end
            is_mid_line = start == 0 and self._opening.is_mid_line
            text = _strip_containers(carried, self._window[start:end]) if carried and not is_mid_line else None
            if text is None:
                text = self._window[start:end]
                carried = carried if is_mid_line or state.open_fence else ()  # a fence goes on whatever is in it
            after = next_state(state, text)
            yield _Line(start, end, text, offset, state, after, carried, is_mid_line)
            state, start, offset = after, end + 1, offset + len(text) + 1

    def _paragraphs(self) -> Iterator[int]:
        for line, following in self._boundaries():
            if not line.after.open_fence and (
                not following.text.strip()
                or line.before.open_fence
                or (following.after.open_fence and not following.before.open_fence)
            ):
                yield line.end

    def _line_ends(self) -> Iterator[int]:
        return (line.end for line, _ in self._boundaries() if not line.after.open_fence)

    def _fenced_line_ends(self) -> Iterator[int]:
        return (line.end for line, _ in self._boundaries() if line.after.open_fence)

    def _boundaries(self) -> Iterator[tuple[_Line, _Line]]:
        """Yield the lines of the upper half after which a part may end, each with the next one, last first."""
        for index in range(len(self._lines) - 2, -1, -1):
            line = self._lines[index]
            if line.offset + len(line.text) < self._limit // 2:
                return
            heading = not line.after.open_fence and line.text.startswith("#")  # stays with what it announces
            if line.text.strip() and not heading:
                yield line, self._lines[index + 1]

    def _sentences(self) -> Iterator[int]:
        last_position = self._find_last_position()
        atoms = break_points.find_atoms(self._window, self._limit // 2, last_position)
        for position in break_points.sentence_ends(self._window, self._limit // 2, last_position):
            if not self._state_at(position).open_fence and self._can_end_at(position, atoms):
                yield position

    def _words(self) -> Iterator[int]:
        last_position = self._find_last_position()
        atoms = break_points.find_atoms(self._window, self._limit // 8, last_position)
        for position in break_points.word_ends(self._window, self._limit // 8, last_position):
            if self._can_end_at(position, atoms):
                yield position

    def _characters(self, last_position: int) -> Iterator[int]:
        for start, end in break_points.find_atoms(self._window, last_position - 1, last_position):
            if start < last_position < end and start > self._limit // 8:
                yield start
        yield break_points.find_character_boundary(self._window, last_position)

    def _can_end_at(self, position: int, atoms: list[tuple[int, int]]) -> bool:
        in_atom = any(start < position < end for start, end in atoms)
        return not in_atom and (self._window[position] == "\n" or not break_points.starts_block(self._window, position))

    def _is_acceptable(self, position: int) -> bool:
        """Return whether a cut fits, ends in no empty fence and leaves more than a fence for the next part."""
        if not 0 < self.length(position) <= self._limit:
            return False
        fence = self._state_at(self._trim_end(position)).open_fence
        if fence is not None and not fence.has_content:
            return False
        rest = self._window[position:]
        return not rest.strip() or _ONLY_FENCES.match(rest) is None

    def _find_last_position(self) -> int:
        """Return the last position whose part could fit, going by what is open before its line."""
        line = self._lines[-1]
        closing = self._closing_lines(line.before)
        room = self._limit - line.offset - (len(closing[0]) + 1 if closing else 0)
        taken_off = line.end - line.start - len(line.text)
        return max(1, min(line.start + taken_off + room, line.end, len(self._window) - 1))

    def _state_at(self, position: int) -> BlockState:
        line = self._line_at(position)
        return line.after if position == line.end else next_state(line.before, self._line_until(line, position))

    def _line_until(self, line: _Line, position: int) -> str:
        """Return the text of `line` as far as `position`."""
        if position >= line.end:
            return line.text
        front = self._window[line.start : max(line.start, position)]
        text = _strip_containers(line.carried, front) if line.carried and not line.is_mid_line else None
        return front if text is None else text

    def _closing_lines(self, state: BlockState) -> list[str]:
        """Return the line that closes what is open, if one does so without opening something else."""
        fence = state.open_fence
        return [fence.closing] if fence is not None and next_state(state, fence.closing).open_fence is None else []

    def _index_at(self, position: int) -> int:
        return max(0, bisect_right(self._starts, position) - 1)

    def _line_at(self, position: int) -> _Line:
        return self._lines[self._index_at(position)]

    def _trim_end(self, position: int) -> int:
        return len(self._window[:position].rstrip())


def is_closed_by(opening: PartOpening, line: str) -> bool:
    """Return whether `line` ends the fence that a part began with, and looks like the line added to close one."""
    fence = opening.state.fence
    text = None if opening.is_mid_line else _strip_containers(opening.containers, line)
    flat = (line if text is None else text).expandtabs(4)
    if fence is None:
        return False
    depth, column = match_containers(fence.containers, flat)
    content = flat[column:]
    return depth == len(fence.containers) and fence.is_closed_by(content) and content.strip() == fence.marker


def _strip_containers(containers: tuple[int, ...], line: str) -> str | None:
    """Return `line` without the list indentation of `containers`; None when it is not in them."""
    flat = line.expandtabs(4)
    depth, column = match_containers(containers, flat)
    if depth < len(containers):
        return None
    quotes = "> " * containers.count(QUOTE)
    return quotes + (line[column:] if line[:column] == flat[:column] else flat[column:])
