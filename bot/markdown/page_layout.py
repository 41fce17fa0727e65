"""One part of a text being laid out: what it looks like when it ends at some position, and where it had better end."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.markdown import break_points
from bot.markdown.fences import QUOTE, START, BlockState, descend, follow

LOOKAHEAD: Final = 64
"""How far beyond the limit a cut may look, in characters. What comes later never changes it."""

# Fence lines and white space, perhaps with a fence in the making. Whatever begins such a text is one too, so what was
# once worth showing stays so. Possessive throughout: a long run of backticks is taken or left as a whole.
_ONLY_FENCES = re.compile(r"[>\s]*+(?:(?:`{3,}+|~{3,}+)[^`~\s]{0,32}+[>\s]*+)*+(?:`{1,2}|~{1,2})?\Z")


@dataclass(frozen=True, slots=True)
class Opening:
    """How a part begins: with the line of a fence that is still open, or with nothing.

    `containers` are those that the part's lines still bear from the part before, block quotes and list items. Their
    indentation is taken off, for a part that begins with the second level of a list shows it as the first: Discord
    drops the white space that a message begins with. `ragged` says that the first line no longer bears them.
    """

    line: str = ""
    place: BlockState = START
    containers: tuple[int, ...] = ()
    ragged: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the window: where it starts and ends there, what it looks like, and what is open around it."""

    start: int
    end: int
    shown: str
    offset: int  # where `shown` begins in the part
    before: BlockState
    after: BlockState
    carried: tuple[int, ...]  # the opening's containers, as long as lines are in them
    ragged: bool  # the part's first line, without them


class PageLayout:
    """The window of text from which a part is cut, laid out behind an opening.

    `window` must not begin with a blank line. Positions are those of the window. Lengths are code points, as Discord
    counts them (discord-api-docs #1315).
    """

    def __init__(self, opening: Opening, window: str, limit: int) -> None:
        self._opening = opening
        self._window = window
        self._limit = limit
        self._lines = list(self._lay_out())
        self._starts = [line.start for line in self._lines]

    def render(self, position: int) -> str:
        """Show the part that ends at `position`, with every fence closed."""
        position = self._less_blank_end(position)
        if position == 0:
            return ""
        last = self._line_at(position)
        lines = [line.shown for line in self._lines[: self._index_at(position)]]
        lines.append(self._partial(last, position))
        closing = self._closing(self._place_at(position))
        return "\n".join([*([self._opening.line] if self._opening.line else []), *lines, *closing]).rstrip()

    def length(self, position: int) -> int:
        """Count the characters of `render(position)`."""
        position = self._less_blank_end(position)
        if position == 0:
            return 0
        last = self._line_at(position)
        closing = self._closing(self._place_at(position))
        return last.offset + len(self._partial(last, position)) + (len(closing[0]) + 1 if closing else 0)

    def holds_all(self) -> bool:
        """Whether the whole window fits into one part."""
        return self.length(len(self._window)) <= self._limit

    def is_bare(self) -> bool:
        """Whether nothing but fence lines and white space is in the window."""
        return _ONLY_FENCES.match(self._window) is not None

    def best_cut(self) -> int:
        """Choose where the part had better end, when the window does not fit.

        The last paragraph, else line, else sentence of its upper half; else the last word but for a short rest; else
        the last character.
        """
        for wish in (self._paragraphs, self._line_ends, self._fenced_line_ends, self._sentences, self._words):
            for position in wish():
                if self._is_good(position):
                    return position
        return self.fullest_cut()

    def fullest_cut(self) -> int:
        """Choose the last position that fits, at a word if one is near."""
        most = self._most()
        for position in break_points.word_ends(self._window, max(1, most - self._limit // 8), most):
            if self._is_good(position):
                return position
        for position in self._characters(most):
            if self._is_good(position):
                return position
        position = most
        while position > 1 and self.length(position) > self._limit:
            position //= 2  # a fence so long that closing it takes as much again
        return max(1, position)

    def opening_at(self, position: int) -> Opening:
        """Tell how the next part begins when this one ends at `position`."""
        position = self._less_blank_end(position)
        if position == 0:
            return self._opening
        last = self._line_at(position)
        ragged = bool(self._window[position : last.end].strip())
        place = self._place_at(position)
        fence = place.open
        if fence is None:
            return Opening(ragged=ragged)
        containers = last.carried + fence.containers[last.carried.count(QUOTE) :]
        if ragged and QUOTE in containers:
            return Opening(ragged=True)  # the rest of the line has lost its quote mark, and with it the quote's fence
        for line in (fence.reopening, fence.reopening.removesuffix(fence.language)):
            if len(line) + len(fence.closing) <= self._limit // 4:
                return Opening(line, follow(START, line), containers, ragged=ragged)
        return Opening(ragged=ragged)

    def _lay_out(self) -> Iterator[_Line]:
        """Read the window's lines as long as they begin within the limit."""
        place, carried = self._opening.place, self._opening.containers
        offset = len(self._opening.line) + 1 if self._opening.line else 0
        start = 0
        while start <= len(self._window) and offset <= self._limit + 1:
            end = self._window.find("\n", start)
            end = len(self._window) if end < 0 else end
            ragged = start == 0 and self._opening.ragged
            shown = _without(carried, self._window[start:end]) if carried and not ragged else None
            if shown is None:
                shown = self._window[start:end]
                carried = carried if ragged or place.open else ()  # a fence goes on whatever is in it
            after = follow(place, shown)
            yield _Line(start, end, shown, offset, place, after, carried, ragged)
            place, start, offset = after, end + 1, offset + len(shown) + 1

    def _paragraphs(self) -> Iterator[int]:
        for line, following in self._boundaries():
            if not line.after.open and (
                not following.shown.strip() or line.before.open or (following.after.open and not following.before.open)
            ):
                yield line.end

    def _line_ends(self) -> Iterator[int]:
        return (line.end for line, _ in self._boundaries() if not line.after.open)

    def _fenced_line_ends(self) -> Iterator[int]:
        return (line.end for line, _ in self._boundaries() if line.after.open)

    def _boundaries(self) -> Iterator[tuple[_Line, _Line]]:
        """Yield the lines of the upper half after which a part may end, each with the next one, last first."""
        for index in range(len(self._lines) - 2, -1, -1):
            line = self._lines[index]
            if line.offset + len(line.shown) < self._limit // 2:
                return
            heading = not line.after.open and line.shown.startswith("#")  # stays with what it announces
            if line.shown.strip() and not heading:
                yield line, self._lines[index + 1]

    def _sentences(self) -> Iterator[int]:
        most = self._most()
        atoms = break_points.atoms(self._window, self._limit // 2, most)
        for position in break_points.sentence_ends(self._window, self._limit // 2, most):
            if not self._place_at(position).open and self._starts_well(position, atoms):
                yield position

    def _words(self) -> Iterator[int]:
        most = self._most()
        atoms = break_points.atoms(self._window, self._limit // 8, most)
        for position in break_points.word_ends(self._window, self._limit // 8, most):
            if self._starts_well(position, atoms):
                yield position

    def _characters(self, most: int) -> Iterator[int]:
        for start, end in break_points.atoms(self._window, most - 1, most):
            if start < most < end and start > self._limit // 8:
                yield start
        yield break_points.nearest_character(self._window, most)

    def _starts_well(self, position: int, atoms: list[tuple[int, int]]) -> bool:
        in_atom = any(start < position < end for start, end in atoms)
        return not in_atom and (self._window[position] == "\n" or not break_points.begins_block(self._window, position))

    def _is_good(self, position: int) -> bool:
        """Whether a cut fits, ends in no empty fence and leaves more than a fence for the next part."""
        if not 0 < self.length(position) <= self._limit:
            return False
        fence = self._place_at(self._less_blank_end(position)).open
        if fence is not None and not fence.filled:
            return False
        rest = self._window[position:]
        return not rest.strip() or _ONLY_FENCES.match(rest) is None

    def _most(self) -> int:
        """Find the last position whose part could fit, going by what is open before its line."""
        line = self._lines[-1]
        closing = self._closing(line.before)
        room = self._limit - line.offset - (len(closing[0]) + 1 if closing else 0)
        taken_off = line.end - line.start - len(line.shown)
        return max(1, min(line.start + taken_off + room, line.end, len(self._window) - 1))

    def _place_at(self, position: int) -> BlockState:
        line = self._line_at(position)
        return line.after if position == line.end else follow(line.before, self._partial(line, position))

    def _partial(self, line: _Line, position: int) -> str:
        """Show `line` as far as `position`."""
        if position >= line.end:
            return line.shown
        front = self._window[line.start : max(line.start, position)]
        shown = _without(line.carried, front) if line.carried and not line.ragged else None
        return front if shown is None else shown

    def _closing(self, place: BlockState) -> list[str]:
        """Name the line that closes what is open, if one does so without opening something else."""
        fence = place.open
        return [fence.closing] if fence is not None and follow(place, fence.closing).open is None else []

    def _index_at(self, position: int) -> int:
        return max(0, bisect_right(self._starts, position) - 1)

    def _line_at(self, position: int) -> _Line:
        return self._lines[self._index_at(position)]

    def _less_blank_end(self, position: int) -> int:
        return len(self._window[:position].rstrip())


def is_closed_by(opening: Opening, line: str) -> bool:
    """Whether `line` ends the fence that a part began with, and looks like the line we would end it with."""
    fence = opening.place.fence
    shown = None if opening.ragged else _without(opening.containers, line)
    flat = (line if shown is None else shown).expandtabs(4)
    if fence is None:
        return False
    depth, column = descend(fence.containers, flat)
    content = flat[column:]
    return depth == len(fence.containers) and fence.is_closed_by(content) and content.strip() == fence.marker


def _without(containers: tuple[int, ...], line: str) -> str | None:
    """Take the list indentation of `containers` off `line`; None when it is not in them."""
    flat = line.expandtabs(4)
    depth, column = descend(containers, flat)
    if depth < len(containers):
        return None
    quotes = "> " * containers.count(QUOTE)
    return quotes + (line[column:] if line[:column] == flat[:column] else flat[column:])
