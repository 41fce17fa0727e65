"""Blocks of several lines that Discord cannot show, while they come: what they share.

A block is given line after line until one does not belong to it. Then it is finished: it writes itself, or returns its
lines to be read as text, where it turned out to be no block.
"""

from dataclasses import dataclass
from typing import Protocol, Self

from bot.markdown.fences import QUOTE, BlockState, match_containers


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


class Block(Protocol):
    """A block that is still coming: the wall between the renderer and the kinds of blocks."""

    def add_line(self, line: str) -> bool:
        """Add the next line; return False where it does not belong to the block, which then ends."""
        ...

    def finish(self, *, at_end: bool) -> list[str]:
        """Write the block; return the lines that are text instead. `at_end`: the answer ends with this block."""
        ...

    def draft(self, line: str) -> str | None:
        """Return how the unwritten lines and the beginning of a next one look; None where that is not of the block."""
        ...


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
        return "".join("> " if inside == QUOTE else " " * inside for inside in self.containers)

    def content_of(self, line: str) -> str | None:
        """Return a line without quotes and indentation; None where it is not in them."""
        flat = line.expandtabs(4)
        depth, column = match_containers(self.containers, flat)
        return flat[column:].strip() if depth == len(self.containers) else None

    def format_fence(self, lines: list[str], language: str = "") -> str:
        """Return `lines` in a code fence."""
        return "".join(f"{self.prefix}{line}".rstrip() + "\n" for line in [f"```{language}", *lines, "```"])
