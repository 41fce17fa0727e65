r"""Cuts a markdown text into parts that each fit into one message.

A part ends at a paragraph, else a line, a sentence or a word, and in need between two characters; never inside an
emoji, and in an address or a mention only when nothing else is near. A code fence that is open at the end of a part is
closed there and opened again, with its language, in the next one. Nothing but white space and the added fence lines
tells the parts from the text: line ends become "\n", white space around a part is dropped, and a list or its code that
goes on in another part leaves its indentation behind.

A part's end depends on the text up to `LOOKAHEAD` characters beyond the limit and on nothing later, so a growing text
never changes the parts that are complete, and each character is looked at a bounded number of times.
"""

import re
from copy import copy
from typing import Final

from bot.markdown.page_layout import LOOKAHEAD, PageLayout, PartOpening, is_closed_by

MESSAGE_LIMIT: Final = 2000
"""Code points in a message's content (Discord: resources/message)."""

_MIN_LIMIT: Final = 40
"""Below this a fence's own lines would leave no room for what is in it."""

_MAX_INDENT: Final = 200
"""Characters of indentation that a part's first line keeps."""

# The last lines of a text if they only say what comes next: headings, and a line that ends with a colon.
_ANNOUNCEMENT = re.compile(r"(?<![^\n])(?:(?:#{1,3} [^\n]*|\*\*[^\n]*\*\*|[^\n]{1,100}:)\s*\n\s*){1,2}\Z")


def split(text: str, limit: int = MESSAGE_LIMIT) -> list[str]:
    """Return `text` in parts of at most `limit` code points; none for a text of white space only.

    Raises:
        ValueError: when `limit` is too small for a fence and something in it.
    """
    splitter = Splitter(limit)
    return [*splitter.feed(text), *splitter.finish()]


class Splitter:
    """Cuts a text that is still growing; however it arrives, the parts are those of `split` on the whole."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        if limit < _MIN_LIMIT:
            raise ValueError(f"limit must be at least {_MIN_LIMIT}, not {limit}")
        self._limit = limit
        self._window_length = limit + LOOKAHEAD
        self._rest = ""
        self._opening = PartOpening()
        self._has_content = False  # the rest begins with something to show
        self._carriage_return = ""  # held until it is known whether a line feed follows

    def feed(self, text: str) -> list[str]:
        """Add text; return the parts that are complete now, for good."""
        text = self._carriage_return + text
        self._carriage_return = "\r" if text.endswith("\r") else ""
        self._rest += text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        parts: list[str] = []
        while self._skip_blank_start(is_complete=False) and len(self._rest) >= self._window_length:
            parts += self._cut()
        return parts

    def finish(self) -> list[str]:
        """Return the parts that were still open. The splitter is then as new."""
        self._rest += self._carriage_return.replace("\r", "\n")
        parts: list[str] = []
        while self._skip_blank_start(is_complete=True):
            layout = (
                PageLayout(self._opening, self._rest, self._limit) if len(self._rest) < self._window_length else None
            )
            if layout is not None and layout.fits():
                parts.append(layout.render(len(self._rest)))
                break
            parts += self._cut()
        self._rest, self._opening, self._has_content, self._carriage_return = "", PartOpening(), False, ""
        return parts

    @property
    def room(self) -> int:
        """Return how many code points the part still open can take, at least; below zero when it is about to end."""
        return self._limit - len(self._opening.line) - len(self._rest) - 1

    def make_room(self, room: int) -> list[str]:
        """Make the part still open able to take `room` code points more; return the parts that end for it.

        A line that announces what comes next moves with it. Where that leaves less room, there is no more.
        """
        parts: list[str] = []
        while self.room < room and self._skip_blank_start(is_complete=False):
            layout = PageLayout(self._opening, self._rest, self._limit)
            if layout.fits():
                announced = _ANNOUNCEMENT.search(self._rest)
                position = announced.start() if announced else len(self._rest)
                if not self._rest[:position].strip():
                    return parts
                return [*parts, *self._end(layout, position)]
            parts += self._cut()
        return parts

    def preview(self, room: int, ahead: str = "") -> str:
        """Return the beginning of the part still open, in at most `room` code points; "" while it shows nothing.

        `ahead` is text that may come next, or something else in its place. A lone fence line counts as nothing:
        Discord does not show an empty fence.
        """
        if ahead:
            trial = copy(self)
            trial._rest += ahead[: self._window_length]
            trial._skip_blank_start(is_complete=False)
            return trial.preview(room)
        if not self._has_content:
            return ""
        layout = PageLayout(self._opening, self._rest[: self._window_length], room)
        if layout.has_only_fences():
            return ""
        return layout.render(len(self._rest) if layout.fits() else layout.find_last_cut())

    def _cut(self) -> list[str]:
        """Cut one part off the rest, and return it; none when only white space was there."""
        layout = PageLayout(self._opening, self._rest[: self._window_length], self._limit)
        return self._end(layout, layout.find_best_cut())

    def _end(self, layout: PageLayout, position: int) -> list[str]:
        """End the part at `position`, and return it."""
        part = layout.render(position)
        self._opening = layout.get_opening_at(position)
        self._rest = self._rest[position:]
        self._has_content = False
        return [part] if part else []

    def _skip_blank_start(self, *, is_complete: bool) -> bool:
        """Drop what no part begins with; return whether the rest now begins with something to show."""
        while not self._has_content:
            self._rest = _trim_start(self._opening, self._rest)
            if not self._rest.strip():
                return False
            line, line_end, _ = self._rest[: self._window_length].partition("\n")
            is_whole = bool(line_end) or (is_complete and len(self._rest) < self._window_length)
            if self._opening.line and is_whole and is_closed_by(self._opening, line):
                # The line that was added to close the part before replaces this one.
                self._rest = self._rest[len(line) :]
                self._opening = PartOpening()
                continue
            if (
                self._opening.line
                and not is_whole
                and len(self._rest) < self._window_length
                and not line.strip("`~> \t")
            ):
                return False  # may become the fence's end yet
            if not self._opening.line:
                self._outdent()
            self._has_content = True
        return True

    def _outdent(self) -> None:
        """Remove the first line's indentation from it, and from the lines after it that have as much."""
        bare = self._rest.lstrip()
        if bare != self._rest:
            columns = len(self._rest[: -len(bare)].expandtabs(4))
            self._opening = PartOpening(containers=(columns,), is_mid_line=True)
            self._rest = bare


def _trim_start(opening: PartOpening, text: str) -> str:
    """Return `text` without leading white space, but with the indentation of a line that is whole."""
    bare = text.lstrip()
    begin = len(text) - len(bare)
    return bare if opening.is_mid_line else text[max(text.rfind("\n", 0, begin) + 1, begin - _MAX_INDENT) :]
