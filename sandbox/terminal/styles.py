"""Colours and weights for a terminal, or nothing where there is none to show them."""

import re
from dataclasses import dataclass

_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Styles:
    """Wraps words in escape sequences if `coloured`, else leaves them."""

    coloured: bool

    def bold(self, text: str) -> str:
        """What matters most."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """What may be overlooked."""
        return self._wrap("2", text)

    def italic(self, text: str) -> str:
        """A voice from aside."""
        return self._wrap("3", text)

    def person(self, text: str) -> str:
        """A member's name."""
        return self._wrap("1;36", text)

    def bot(self, text: str) -> str:
        """The bot's name."""
        return self._wrap("1;35", text)

    def tag(self, text: str) -> str:
        """The label beside the bot's name."""
        return self._wrap("1;97;44", f" {text} ") if self.coloured else f"[{text}]"

    def code(self, text: str) -> str:
        """Something a machine would read."""
        return self._wrap("33", text)

    def good(self, text: str) -> str:
        """It worked."""
        return self._wrap("32", text)

    def bad(self, text: str) -> str:
        """It did not."""
        return self._wrap("1;31", text)

    def _wrap(self, codes: str, text: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.coloured and text else text


def bare(text: str) -> str:
    """A text without its escape sequences."""
    return _SEQUENCE.sub("", text)
