"""Which message holds which text, while an answer grows and when it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.markdown.renderer import MarkdownRenderer
from bot.markdown.splitter import MESSAGE_LIMIT
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.streaming.output import NO_BUTTONS, AnswerButtons
from bot.text_work import split_slices

MAX_MESSAGES: Final = 5
"""A longer answer becomes one message less and a last one with a file of the whole."""

FILE_NAME: Final = "answer.md"

PROGRESS_MARKER: Final = render(texts.progress_marker())
"""Shown below the text while more is coming."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one message shows: a text within the limit, and maybe a file and buttons."""

    text: str
    file: bytes | None = None
    buttons: AnswerButtons = NO_BUTTONS


class Pages:
    """The messages of one answer, as Discord shows them. A full one never changes.

    `buttons` are below the progress marker.
    """

    def __init__(self, limit: int = MESSAGE_LIMIT, buttons: AnswerButtons = NO_BUTTONS) -> None:
        self._limit = limit
        self._buttons = buttons
        self._rendering = MarkdownRenderer(limit)
        self._full: list[str] = []
        self._deltas: list[str] = []
        self._overflowed = False  # there is more than fits into the messages; only the file grows now

    @property
    def text(self) -> str:
        """The answer so far, as the model sent it."""
        return "".join(self._deltas)

    def add(self, text: str) -> None:
        """Add the next delta of the answer; what the file alone will hold is not rendered."""
        self._deltas.append(text)
        for part in split_slices(text):
            if self._overflowed:
                return
            self._full += self._rendering.feed(part)
            self._overflowed = len(self._full) > MAX_MESSAGES

    def build_preview(self) -> list[Page]:
        """Return what the messages show while more is coming; empty before the first word, which a fence is not.

        Only the last message has the progress marker. While that one is full and the next one has not begun there is
        no space for the marker, so no message has it.
        """
        space = self._limit - len(PROGRESS_MARKER)
        growing = "" if self._overflowed else self._rendering.preview(space)
        if self._overflowed or (growing and len(self._full) >= MAX_MESSAGES):
            self._overflowed = True
            return [*map(Page, self._full[: MAX_MESSAGES - 1]), self._with_marker(render(texts.continues_in_file()))]
        return [*map(Page, self._full), *([self._with_marker(growing)] if growing else [])]

    def build_final(self, notes: Sequence[Message] = (), buttons: AnswerButtons = NO_BUTTONS) -> list[Page]:
        """Return what the messages show in the end; empty if there was no word. Nothing may be added afterwards.

        `notes` are short sentences about how the answer ended. They are shown in small print below the answer, a line
        each, if that has any word; `buttons` are below all else.
        """
        if not self._overflowed:
            self._full += self._rendering.finish()
        footer = "".join(f"\n-# {line}" for note in notes for line in render(note).splitlines())
        pages = self._full if self._overflowed else _with_footer(self._full, footer, self._limit)
        if self._overflowed or len(pages) > MAX_MESSAGES:
            return [
                *map(Page, pages[: MAX_MESSAGES - 1]),
                Page(render(texts.whole_in_file()) + footer, self.text.encode("utf-8", "replace"), buttons),
            ]
        return [*map(Page, pages[:-1]), *[Page(text, buttons=buttons) for text in pages[-1:]]]

    def _with_marker(self, text: str) -> Page:
        return Page(text + PROGRESS_MARKER, buttons=self._buttons)


def _with_footer(parts: list[str], footer: str, limit: int) -> list[str]:
    """Return `parts` with the footer below the last one, or in a message of its own if there is no space."""
    if not parts or not footer:
        return parts
    if len(parts[-1]) + len(footer) <= limit:
        return [*parts[:-1], parts[-1] + footer]
    return [*parts, footer.lstrip()]
