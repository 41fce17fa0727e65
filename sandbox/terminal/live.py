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

    Where nothing can be redrawn (`redraw` False: a file, a pipe) a line is written once, when it stayed the same and
    others came after it.
    """

    def __init__(self, screen: Screen, *, redraw: bool, height: int | None = None) -> None:
        self._screen = screen
        self._redraw = redraw
        self._height = height
        self._shown: list[str] = []
        self._seen: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        """Let the block be these lines; none of them may be wider than the screen."""
        if self._redraw:
            self._draw(lines)
        elif list(lines) != self._seen:
            self._append(lines[: max(0, _same(self._seen, lines) - 1)])
            self._seen = list(lines)

    def finish(self, lines: Sequence[str]) -> None:
        """Show the block's last state, and leave it there."""
        if self._redraw:
            self._draw(lines)
        else:
            self._append(lines)
        self._shown, self._seen = [], []

    def _draw(self, lines: Sequence[str]) -> None:
        height = self._height or shutil.get_terminal_size().lines
        same = _same(self._shown, lines)
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
        if len(lines) > len(self._shown):
            self._screen.write("".join(f"{line}\n" for line in lines[len(self._shown) :]))
            self._screen.flush()
            self._shown = list(lines)


def _same(before: Sequence[str], now: Sequence[str]) -> int:
    """How many lines from the first on did not change."""
    count = 0
    while count < min(len(before), len(now)) and before[count] == now[count]:
        count += 1
    return count
