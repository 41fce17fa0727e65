"""Which message holds which text, while an answer grows and when it is done."""

from dataclasses import dataclass
from typing import Final

from bot.markdown.renderer import Rendering
from bot.markdown.splitter import MESSAGE_LIMIT
from bot.streaming.output import NO_BUTTONS, AnswerButtons
from bot.text_work import split_slices

MOST_MESSAGES: Final = 5
"""More than this many messages become the first ones and a file with the whole."""

FILE_NAME: Final = "answer.md"

PROGRESS_MARKER: Final = "\n-# ✍️ …"
"""Stands under the text while more is coming: small print on a line of its own, which is right below a fence too."""

GOES_ON: Final = "That's a long one – it goes on, and you'll get all of it as a file in a moment."
IN_FILE: Final = "That was more than fits here, so the whole answer is in this file."


@dataclass(frozen=True, slots=True)
class Page:
    """What one message shows: a text within the limit, perhaps a file, and perhaps buttons."""

    text: str
    file: bytes | None = None
    buttons: AnswerButtons = NO_BUTTONS


class Pages:
    """The messages of one answer, as Discord shows them. Those that are full never change.

    `buttons` stand below the sign of life.
    """

    def __init__(self, limit: int = MESSAGE_LIMIT, buttons: AnswerButtons = NO_BUTTONS) -> None:
        self._limit = limit
        self._buttons = buttons
        self._rendering = Rendering(limit)
        self._full: list[str] = []
        self._pieces: list[str] = []
        self._spilt = False  # there is more than fits into the messages; only the file grows now

    @property
    def text(self) -> str:
        """All that was added, as it came."""
        return "".join(self._pieces)

    def add(self, text: str) -> None:
        """Take the next piece of the answer, as far as it is looked at: no further than the messages go."""
        self._pieces.append(text)
        for part in split_slices(text):
            if self._spilt:
                return
            self._full += self._rendering.feed(part)
            self._spilt = len(self._full) > MOST_MESSAGES

    def so_far(self) -> list[Page]:
        """Tell what the messages show while more is coming; none before the first word, for a fence is not one.

        Only the last one bears the sign of life. While it is full and the next one has not begun there is no room for
        it, so nothing does.
        """
        room = self._limit - len(PROGRESS_MARKER)
        growing = "" if self._spilt else self._rendering.preview(room)
        if self._spilt or (growing and len(self._full) >= MOST_MESSAGES):
            self._spilt = True
            return [*map(Page, self._full[: MOST_MESSAGES - 1]), self._living(GOES_ON)]
        return [*map(Page, self._full), *([self._living(growing)] if growing else [])]

    def finished(self, note: str | None = None, buttons: AnswerButtons = NO_BUTTONS) -> list[Page]:
        """Tell what the messages show in the end; none when there was no word. Nothing may be added afterwards.

        `note` is a short sentence or two about how the answer ended, a line each. It stands below in small print, if
        there is any word; `buttons` stand below all else.
        """
        if not self._spilt:
            self._full += self._rendering.finish()
        closing = "".join(f"\n-# {line}" for line in note.splitlines()) if note else ""
        pages = self._full if self._spilt else _with_closing(self._full, closing, self._limit)
        if self._spilt or len(pages) > MOST_MESSAGES:
            return [
                *map(Page, pages[: MOST_MESSAGES - 1]),
                Page(IN_FILE + closing, self.text.encode("utf-8", "replace"), buttons),
            ]
        return [*map(Page, pages[:-1]), *[Page(text, buttons=buttons) for text in pages[-1:]]]

    def _living(self, text: str) -> Page:
        return Page(text + PROGRESS_MARKER, buttons=self._buttons)


def _with_closing(parts: list[str], closing: str, limit: int) -> list[str]:
    """Put `closing` below the last part, or into a message of its own when there is no room."""
    if not parts or not closing:
        return parts
    if len(parts[-1]) + len(closing) <= limit:
        return [*parts[:-1], parts[-1] + closing]
    return [*parts, closing.lstrip()]
