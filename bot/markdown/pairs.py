"""Which bracket closes which, found for a whole text at once."""

import re
from bisect import bisect_right
from typing import Final

_TOKEN: Final = re.compile(r"\\.|[\[\]()]", re.DOTALL)
_KINDS: Final = {"[": "]", "(": ")"}


class Pairs:
    """The brackets of a text. Those behind a backslash open and close nothing. Read when they are first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing: dict[int, int] | None = None
        self._round_ends: list[int] = []

    def closing(self, start: int) -> int | None:
        """Find what closes the bracket at `start`, whether or not that stands behind a backslash."""
        if self._closing is None:
            self._closing = self._read()
        return self._closing.get(start)

    def round_end(self, start: int) -> int | None:
        """Find the first closing parenthesis after `start`."""
        if self._closing is None:
            self._closing = self._read()
        index = bisect_right(self._round_ends, start)
        return self._round_ends[index] if index < len(self._round_ends) else None

    def _read(self) -> dict[int, int]:
        closing: dict[int, int] = {}
        # Of each kind, what is open: the bracket of each level, and those behind backslashes that stand in it.
        levels: dict[str, list[list[int]]] = {kind: [[]] for kind in _KINDS.values()}
        for token in _TOKEN.finditer(self._text):
            at, character = token.end() - 1, token[0][-1]
            is_plain = len(token[0]) == 1
            if (kind := _KINDS.get(character)) is not None:
                if is_plain:
                    levels[kind].append([at])
                else:
                    levels[kind][-1].append(at)
            elif is_plain:
                closing.update(dict.fromkeys(levels[character].pop(), at))
                levels[character] = levels[character] or [[]]
                if character == ")":
                    self._round_ends.append(at)
        return closing
