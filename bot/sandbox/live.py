"""A block of lines at the bottom of the screen that changes while one looks at it."""

import shutil
from collections.abc import Sequence
from typing import Protocol


class Screen(Protocol):
    """Where text goes: standard output, or a string in a test."""

    def write(self, text: str, /) -> object:
        """Take some text."""
        ...

    def flush(self) -> None:
        """Show it now."""
        ...


class LiveBlock:
    """Redraws in place from the first line that changed; what has scrolled off the top stays as it was.

    Where nothing can be redrawn (`redraw` False: a file, a pipe) a line is written once, when the one after it came.
    """

    def __init__(self, screen: Screen, *, redraw: bool, height: int | None = None) -> None:
        self._screen = screen
        self._redraw = redraw
        self._height = height
        self._shown: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        """Let the block be these lines; none of them may be wider than the screen."""
        if self._redraw:
            self._draw(lines)
        elif len(lines) - 1 > len(self._shown):
            self._append(lines[:-1])

    def finish(self, lines: Sequence[str]) -> None:
        """Show the block's last state, and leave it there."""
        if self._redraw:
            self._draw(lines)
        else:
            self._append(lines)
        self._shown = []

    def _draw(self, lines: Sequence[str]) -> None:
        height = self._height or shutil.get_terminal_size().lines
        same = 0
        while same < min(len(lines), len(self._shown)) and lines[same] == self._shown[same]:
            same += 1
        reachable = max(0, len(self._shown) - (height - 1))
        start = max(same, reachable)
        if start == len(self._shown) == len(lines):
            return
        up = len(self._shown) - start
        move = f"\x1b[{up}A" if up > 0 else ""
        self._screen.write(f"{move}\x1b[J" + "".join(f"{line}\n" for line in lines[start:]))
        self._screen.flush()
        self._shown = list(lines)

    def _append(self, lines: Sequence[str]) -> None:
        self._screen.write("".join(f"{line}\n" for line in lines[len(self._shown) :]))
        self._screen.flush()
        self._shown = list(lines)
