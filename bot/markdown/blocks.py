"""Blocks of several lines that Discord has no picture of, while they come: what they share.

A block takes line after line until one does not belong to it. Then it is finished: it writes what it has come to, or
gives its lines back to be read as text, where it turned out to be none.
"""

from dataclasses import dataclass
from typing import Protocol, Self

from bot.markdown.fences import QUOTE, BlockState, descend


class Paper(Protocol):
    """Where rendered text is written, once it is certain."""

    @property
    def room(self) -> int:
        """How many characters the message at hand can take."""
        ...

    def write(self, text: str) -> None:
        """Go on with `text`."""
        ...

    def make_room(self, room: int) -> None:
        """Go on in another message unless this one can take so many characters."""
        ...


class Block(Protocol):
    """A block under way."""

    def take(self, line: str) -> bool:
        """Take the next line; False where it does not belong to the block, which then ends."""
        ...

    def finish(self, *, at_end: bool) -> list[str]:
        """Write the block; return the lines that are text instead. `at_end`: the answer ends here, wherever that is."""
        ...

    def draft(self, line: str) -> str | None:
        """Show what is not written yet, with the beginning of a further line; None where that does not belong to it."""
        ...


@dataclass(frozen=True, slots=True)
class Inset:
    """The block quotes and list items that a block stands in."""

    containers: tuple[int, ...]

    @classmethod
    def of(cls, line: str, after: BlockState) -> Self | None:
        """Tell where `line` stands, with `after` it; None where a list item begins in the very line."""
        inset = cls(after.containers)
        return None if inset.content_of(line) is None else inset

    @property
    def prefix(self) -> str:
        """What each of the block's lines begins with."""
        return "".join("> " if inside == QUOTE else " " * inside for inside in self.containers)

    def content_of(self, line: str) -> str | None:
        """Take quotes and indentation off a line; None where it is not in them."""
        flat = line.expandtabs(4)
        depth, column = descend(self.containers, flat)
        return flat[column:].strip() if depth == len(self.containers) else None

    def fenced(self, lines: list[str], language: str = "") -> str:
        """Put `lines` into a fence."""
        return "".join(f"{self.prefix}{line}".rstrip() + "\n" for line in [f"```{language}", *lines, "```"])
