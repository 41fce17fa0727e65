"""Separates hidden reasoning, which some servers write into the answer as `<think>…</think>`, from its text."""

import re
from enum import Enum, auto
from typing import Final

from bot.markdown.blocks import BlockReader

_TAG = re.compile(r"<\s{0,4}(?P<closing>/?)\s{0,4}think(?:ing)?\s{0,4}>", re.IGNORECASE)
_TAGS: Final = ("<think>", "<thinking>", "</think>", "</thinking>")
_MAX_TAG_LENGTH: Final = 24

_MENTION_SEPARATORS: Final = frozenset({"", "…", "...", "and", "or", "/", ","})
"""What is between two tags that are only mentioned: "it thinks between <think> and </think>"."""

_SPACE = re.compile(r"\s+")
_LINE_END = re.compile(r"\r\n?|\n")
_BACKTICK_RUNS = re.compile(r"`+|[^`]+")


class _Mode(Enum):
    TEXT = auto()
    REASONING = auto()
    INLINE = auto()


class ReasoningFilter:
    """Separates an answer into reasoning and text while it streams, wherever the deltas are cut.

    * A tag counts in any case, with white space inside, and as `<thinking>` too; never inside code.
    * At the start of the answer or of a line it begins reasoning, up to the closing tag or the end.
    * In the middle of a line, what follows is reasoning only once its closing tag has come: before that the tag may be
      just mentioned.
    * If a block of reasoning has more opening tags than closing ones, the last closing one ends it.
    """

    def __init__(self) -> None:
        self._buffer = ""  # the last input; read up to `_position`
        self._position = 0
        self._pending_space: list[str] = []  # white space that is text only if no tag follows
        self._mode = _Mode.TEXT
        self._code = _CodeTracker()
        self._at_start = True
        self._skips_space = False
        self._depth = 0
        self._tentative: list[str] = []  # reasoning if a closing tag follows, else text
        self._closed_once = False
        self._reasoning: list[str] = []
        self._text: list[str] = []

    def feed(self, text: str) -> tuple[str, str]:
        """Return the reasoning and the text that are certain after this delta, in this order."""
        self._buffer, self._position = self._buffer[self._position :] + text, 0
        while self._position < len(self._buffer):
            before = self._position
            if not self._step():
                break
            assert self._position > before, "each step consumes something"
        return self._take_output()

    def close(self) -> tuple[str, str]:
        """Return the reasoning and the text that were held back, at the end of the stream."""
        rest, self._buffer, self._position = self._buffer[self._position :], "", 0
        if self._mode is _Mode.TEXT:
            self._text += [*self._pending_space, rest]
        elif self._mode is _Mode.INLINE:
            self._text += [*self._tentative, rest]
        elif self._closed_once:
            self._text.append("".join([*self._tentative, rest]).lstrip())
        else:
            self._reasoning.append(rest)
        self._tentative, self._pending_space = [], []
        return self._take_output()

    def _take_output(self) -> tuple[str, str]:
        parts = "".join(self._reasoning), "".join(self._text)
        self._reasoning, self._text = [], []
        return parts

    def _step(self) -> bool:
        """Consume part of the buffer; return False if that depends on what follows."""
        if self._mode is _Mode.TEXT and (self._at_start or self._skips_space) and not self._read_space():
            return False
        less_than = self._buffer.find("<", self._position)
        if less_than != self._position:
            self._emit_to(less_than if less_than > 0 else len(self._buffer))
            return True
        tag = _TAG.match(self._buffer, self._position)
        if tag is None:
            if _may_become_tag(self._buffer, self._position):
                return False
            self._emit_to(self._position + 1)
        elif self._mode is _Mode.TEXT:
            self._tag_in_text(tag)
        elif self._mode is _Mode.INLINE:
            self._tag_in_inline(tag)
        else:
            self._tag_in_reasoning(tag)
        return True

    def _read_space(self) -> bool:
        """Drop white space around reasoning, keep it elsewhere; return False if nothing follows yet."""
        space = _SPACE.match(self._buffer, self._position)
        if space is not None:
            self._position = space.end()
            if not self._skips_space:
                self._pending_space.append(space[0])
        if self._position == len(self._buffer) or _may_become_tag(self._buffer, self._position):
            return False
        if _TAG.match(self._buffer, self._position) is None:
            for text in self._pending_space:
                self._emit(text)
        self._pending_space = []
        self._at_start = self._skips_space = False
        return True

    def _emit_to(self, end: int) -> None:
        """Consume the buffer up to `end` as text or reasoning."""
        text, self._position = self._buffer[self._position : end], end
        self._emit(text)

    def _emit(self, text: str) -> None:
        if self._mode is _Mode.TEXT:
            self._text.append(text)
            self._code.follow(text)
        elif self._mode is _Mode.INLINE or self._closed_once:
            self._tentative.append(text)
        else:
            self._reasoning.append(text)

    def _tag_in_text(self, tag: re.Match[str]) -> None:
        if self._code.is_open() or (tag["closing"] and not self._code.is_blank):
            self._emit_to(tag.end())
            return
        if tag["closing"]:  # of reasoning without an opening tag
            self._skips_space = True
        elif self._code.is_blank:
            self._mode, self._depth = _Mode.REASONING, 1
        else:
            self._mode, self._tentative = _Mode.INLINE, [tag[0]]
        self._position = tag.end()

    def _tag_in_inline(self, tag: re.Match[str]) -> None:
        if not tag["closing"]:
            self._emit_to(tag.end())
            return
        opening, *inside = self._tentative
        self._mode, self._tentative = _Mode.TEXT, []
        reasoning = "".join(inside)
        if reasoning.strip() in _MENTION_SEPARATORS:
            self._emit(opening + reasoning)
            self._emit_to(tag.end())
        else:
            self._position = tag.end()
            self._reasoning.append(reasoning)

    def _tag_in_reasoning(self, tag: re.Match[str]) -> None:
        self._depth += -1 if tag["closing"] else 1
        if not tag["closing"]:
            self._emit_to(tag.end())
            return
        self._reasoning += self._tentative
        self._tentative = []
        self._closed_once = self._depth > 0
        if self._closed_once:
            self._reasoning.append(tag[0])
        else:
            self._mode, self._skips_space = _Mode.TEXT, True
        self._position = tag.end()


class _CodeTracker:
    """Tracks whether the end of a text is inside code: a fence, or a span on its last line.

    It reads each character once.
    """

    def __init__(self) -> None:
        self._blocks = BlockReader()
        self._after_cr = False  # the last line ended with CR; the next LF belongs to it
        self._start_line()

    def _start_line(self) -> None:
        self.is_blank = True  # only white space is on the line so far
        self._backticks = 0  # backticks at the line's end
        self._span_backticks = 0  # backticks that opened a code span

    def follow(self, text: str) -> None:
        """Read the next `text`."""
        if self._after_cr:
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        first, *others = _LINE_END.split(text)
        self._append(first)
        for line in others:
            self._blocks.end_line()
            self._start_line()
            self._append(line)

    def is_open(self) -> bool:
        """Return whether a tag that follows is code."""
        if self._blocks.is_code("<"):
            return True
        if self._backticks and self._span_backticks:
            return self._backticks != self._span_backticks
        return bool(self._backticks or self._span_backticks)

    def _append(self, text: str) -> None:
        """Read `text`, which has no line end."""
        self._blocks.add(text)
        self.is_blank = self.is_blank and not text.strip()
        if self._backticks or "`" in text:
            for run in _BACKTICK_RUNS.findall(text):
                if run[0] == "`":
                    self._backticks += len(run)
                else:
                    self._end_backticks()

    def _end_backticks(self) -> None:
        """End a run of backticks, if there was one: it opens or closes a span, or is inside one."""
        if not self._span_backticks:
            self._span_backticks = self._backticks
        elif self._backticks == self._span_backticks:
            self._span_backticks = 0
        self._backticks = 0


def _may_become_tag(text: str, at: int) -> bool:
    """Return whether `text`, from `at` on, may be the beginning of a tag."""
    if len(text) - at > _MAX_TAG_LENGTH or text[at] != "<" or ">" in text[at:]:
        return False
    begun = "".join(text[at:].split()).lower()
    return any(tag.startswith(begun) for tag in _TAGS)
