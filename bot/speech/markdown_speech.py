"""What is heard of an answer's Markdown while it is being written, line by line and word by word.

A line shows what it is with its first word: a heading, a quotation, an item of a list. Blocks that only make sense to
the eye are announced (code) or read row by row (tables). Within a line, text is held back until the span that it
belongs to is complete, so that nothing hidden is ever heard and nothing is cut in two.

The result depends on the text alone, not on how it was divided into deltas: it is read whenever a word is complete.
Where that did not decide what is there, the next try waits until an eighth more has come, so that the work grows with
the length of the text. No more than some thousand characters are ever held back.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bot.markdown.blocks import BlockReader, Fence, read_fence
from bot.markdown.lookahead import NEED_MORE, NOT_HERE, NoMatch
from bot.messages import speech as texts
from bot.messages.render import render
from bot.speech.block_speech import Table, can_become_delimiter, code_announcement, is_delimiter, is_row
from bot.speech.inline_speech import format_inline, keep_speakable, keep_together, mask_spans, protect_literal

PAUSE: Final = "\n"
"""In what is heard: a sentence ends here, whatever it ends with."""

_STOPS: Final = "。！？｡，、；："
"""Where writing without white space may be parted."""

_CLOSERS: Final = "\"'”’»」』】》〉）)]*_~"
_TRAILING: Final = frozenset(_STOPS + _CLOSERS)
_MAY_END_WORD: Final = re.compile(rf"\s+|[{_STOPS}][{re.escape(_STOPS + _CLOSERS)}]*+")
_MARKER: Final = re.compile(
    r"[^\S\n]*(?:(?P<quote>>+(?:[^\S\n]+|(?=\n)))|(?P<heading>(?:#{1,6}|-#)[^\S\n]+)|(?P<item>[-*+•][^\S\n]+)"
    r"|(?P<number>\d{1,9})[.)][^\S\n]+)"
)
_PARTIAL_MARKER: Final = re.compile(r"[^\S\n]*(?:[-*+•#>|`~]+|\d{0,9}[.)]?)")
_MAX_RULE_LENGTH: Final = 100  # characters of a line across the page; what is longer is read as a list of lists
_MAX_LINE_LENGTH: Final = 2000  # characters of a line that is understood as a whole (a row, a fence); others are words
_GROWTH_BEFORE_NEXT_READ: Final = 1 / 8
_RULE: Final = re.compile(r"[^\S\n]*([-*_])(?:[^\S\n]*\1){2,}[^\S\n]*")
_TASK: Final = re.compile(r"\[[ xX]\][^\S\n]+")
_PARTIAL_TASK: Final = re.compile(r"\[(?:[ xX]\]?)?\s?\Z")
# Fences are CommonMark's. But Discord takes three backticks for the end of code in the middle of a line, too. At a
# line's beginning, and with a language, they are part of it all the same: code that shows how to write code.
_CLOSING_WITHIN: Final = re.compile(r"(?<=[^\s>`])[^\S\n]*```(?!`)|^[ \t>]*```(?![\w`])")
_FENCE_WITHIN: Final = re.compile(r"(?<!`)`{3,}[^`\n]*\Z")
_MAX_STEPS_IN_PLACE: Final = 3  # the end of a table, then the beginning of a line, then its first word
_FIRST_LETTER: Final = re.compile(r"[*_~`\"'“‘«(\[]*(?=(.))", re.DOTALL)


LONGEST_WORD: Final = 4000
"""Characters after which a word is taken to end: Discord's longest message, and so its longest address."""


class _State(Enum):
    """What has been read of the current line."""

    LINE_START = auto()  # nothing but quote marks
    CONTINUATION = auto()  # the same, behind a line of words that this one may continue
    ITEM_START = auto()  # the marker of an item, which may have a box to be ticked
    HEADING_START = auto()  # the marks of a heading
    WORDS = auto()
    HEADING_WORDS = auto()
    ROWS = auto()  # nothing, behind a row of a table


@dataclass(frozen=True, slots=True)
class _Line:
    """What is not read yet of the current line, and whether all of it has come."""

    text: str
    is_complete: bool

    @property
    def is_long(self) -> bool:
        return len(self.text) > _MAX_LINE_LENGTH


class MarkdownSpeech:
    """One answer. `feed` and `finish` return what is heard next, protected as in `bot.speech.inline_speech`."""

    def __init__(self) -> None:
        self._raw = ""  # what is not read yet
        self._unread: list[str] = []  # what comes behind it and was not looked at
        self._unread_length = 0
        self._next_read_length = 0  # the length of both together at which they are looked at
        self._in_word = 0  # characters since a word was complete
        self._is_complete = False  # nothing comes behind all of that
        self._blocks = BlockReader()  # of what is read
        self._state = _State.LINE_START
        self._is_inline_fence = False  # the open fence began in the middle of a line
        self._table = Table("")
        self._carriage_return = ""
        self._after_stop = False

    def feed(self, delta: str) -> list[str]:
        """Add the next delta; return what is heard now."""
        delta = self._carriage_return + delta
        self._carriage_return = "\r" if delta.endswith("\r") else ""
        speech: list[str] = []
        begin = 0
        text = keep_speakable(delta.removesuffix("\r"))
        for end, character in enumerate(text, start=1):
            if (
                character.isspace()
                or (self._after_stop and character not in _TRAILING)
                or self._in_word + end - begin >= LONGEST_WORD
            ):
                self._defer(text[begin:end])
                begin = end
                self._in_word = 0
                self._after_stop = False
                if len(self._raw) + self._unread_length >= self._next_read_length:
                    speech += self._read()
            elif character in _STOPS:
                self._after_stop = True
        self._defer(text[begin:])
        self._in_word += len(text) - begin
        return speech

    def finish(self) -> list[str]:
        """Return the rest: the answer is complete."""
        self._defer(keep_speakable(self._carriage_return))
        self._carriage_return = ""
        self._is_complete = True
        return [*self._read(), self._end_table() if self._state is _State.ROWS else ""]

    def _defer(self, text: str) -> None:
        self._unread.append(text)
        self._unread_length += len(text)

    def _read(self) -> list[str]:
        """Return what is heard as far as it is clear what is there."""
        self._raw += "".join(self._unread)
        self._unread, self._unread_length = [], 0
        speech = []
        in_place = 0
        while self._raw:
            length = len(self._raw)
            step = self._step()
            if isinstance(step, NoMatch):
                break
            speech.append(step)
            in_place = in_place + 1 if len(self._raw) == length else 0
            if in_place > _MAX_STEPS_IN_PLACE:
                # Two rules disagree about this line. That must not happen, and must never hang the process.
                speech.append(self._read_character())
                in_place = 0
        self._next_read_length = len(self._raw) + int(len(self._raw) * _GROWTH_BEFORE_NEXT_READ)
        return speech

    def _step(self) -> str | NoMatch:
        """Return what is heard of the next piece; `NEED_MORE` while it is not clear what that is."""
        if self._state in (_State.WORDS, _State.HEADING_WORDS):
            return self._read_words()
        line = self._line_at(0)
        if self._state is _State.ROWS:
            return self._read_row(line)
        for read in _LINE_STARTS:
            speech = read(self, line)
            if speech is not NOT_HERE:
                return speech
        return self._start_words(line)

    def _skip_code(self, line: _Line) -> str | NoMatch:
        """Skip a line of code, or the one that ends it."""
        fence = self._blocks.state.open_fence
        if fence is None:
            return NOT_HERE
        if not (line.is_complete or line.is_long or line.text.strip(" \t>")):
            return NEED_MORE
        if not self._blocks.is_code(line.text):
            return NOT_HERE
        if not line.is_complete:
            return NEED_MORE
        end = self._find_inline_end(fence, line.text)
        if end is None:
            return self._skip_line()
        self._take(end)
        self._blocks.close_fence()
        self._state = _State.WORDS
        return ""

    def _find_inline_end(self, fence: Fence, line: str) -> int | None:
        """Return where code ends in the middle of a line, as Discord sees it; None where it does not."""
        if fence.marker != "```" or self._blocks.state_after(line).open_fence is None:
            return None
        if not self._is_inline_fence and not line.strip(" \t>`"):
            return None  # backticks alone, in a line that does not end the fence
        closing = _CLOSING_WITHIN.search(line)
        return closing.end() if closing else None

    def _skip_blank_line(self, line: _Line) -> str | NoMatch:
        if line.text.strip():
            return NOT_HERE
        return PAUSE + self._skip_line() if line.is_complete else NEED_MORE

    def _skip_rule(self, line: _Line) -> str | NoMatch:
        if len(line.text) > _MAX_RULE_LENGTH:
            return NOT_HERE
        if _RULE.fullmatch(line.text):
            return PAUSE + self._skip_line() if line.is_complete else NEED_MORE
        return NOT_HERE if line.is_complete or line.text.strip("-*_ \t") else NEED_MORE

    def _skip_marker(self, line: _Line) -> str | NoMatch:
        """Skip a quote mark, the marks of a heading or the marker of an item; a number is said."""
        marker = _MARKER.match(self._raw)
        if marker is None:
            may_be_marker = not (line.is_complete or line.is_long) and _PARTIAL_MARKER.fullmatch(line.text)
            return NEED_MORE if may_be_marker else NOT_HERE
        self._take(marker.end())
        if marker.lastgroup == "quote":
            return ""  # a quotation goes on from line to line as any text does
        self._state = _State.HEADING_START if marker.lastgroup == "heading" else _State.ITEM_START
        return PAUSE + (keep_together(f"{marker['number']}. ") if marker["number"] else "")

    def _skip_box(self, line: _Line) -> str | NoMatch:
        """Skip the box of a task."""
        if self._state is not _State.ITEM_START:
            return NOT_HERE
        box = _TASK.match(self._raw)
        if box is None:
            may_be_box = not (line.is_complete or line.is_long) and _PARTIAL_TASK.match(line.text)
            return NEED_MORE if may_be_box else NOT_HERE
        self._take(box.end())
        return ""

    def _skip_fence(self, line: _Line) -> str | NoMatch:
        """Skip the line that opens a fence."""
        if line.is_long or not line.text.lstrip(" \t>").startswith(("```", "~~~")):
            return NOT_HERE
        if not line.is_complete:
            return NEED_MORE
        is_open = self._blocks.state_after(line.text).open_fence is not None
        return self._skip_line() if is_open else NOT_HERE

    def _start_table(self, line: _Line) -> str | NoMatch:
        """Start a table if the next line shows that this one is its header."""
        if line.is_long or not line.text.lstrip().startswith("|"):
            return NOT_HERE
        if not line.is_complete:
            return NOT_HERE if line.text.lstrip().startswith("||") else NEED_MORE
        if not is_row(line.text):
            return NOT_HERE
        second = self._line_at(len(line.text) + 1)
        if second.is_long or not (second.is_complete or can_become_delimiter(second.text)):
            return NOT_HERE
        if not second.is_complete:
            return NEED_MORE
        if not is_delimiter(second.text):
            return NOT_HERE
        self._table = Table(line.text)
        speech = self._skip_line() + self._skip_line()
        self._state = _State.ROWS
        return f"{speech}{PAUSE}{render(texts.spoken_table())}{PAUSE}"

    def _start_words(self, line: _Line) -> str:
        """Start a line of words: of the same sentence if it goes on in lower case."""
        before, self._state = self._state, _State.WORDS
        if before is _State.HEADING_START:
            self._state = _State.HEADING_WORDS
        if before in (_State.HEADING_START, _State.ITEM_START):
            return ""
        first = _FIRST_LETTER.match(line.text.lstrip())
        continues = before is _State.CONTINUATION and first is not None and first[1].islower()
        return " " if continues else PAUSE

    def _read_words(self) -> str | NoMatch:
        """Return what is heard of a line's words, up to its end if that is there."""
        mask, readable = mask_spans(self._raw, whole=self._is_complete)
        line_end = mask.find("\n", 0, readable)
        if line_end >= 0 or self._is_complete:
            end = readable if line_end < 0 else line_end
            # The mask only shows that the run is in no span. What the run opens is decided by the written line:
            # a backtick behind it, though hidden in a span, means that it opens nothing.
            run = _FENCE_WITHIN.search(mask, 0, end)
            if run is not None and (fence := read_fence(self._line_at(run.start()).text)) is not None:
                speech = format_inline(self._take(run.start()))
                return f"{speech}{PAUSE}{self._skip_line(fence)}"
        if line_end >= 0:
            text = self._take(line_end)
            state = _State.CONTINUATION if self._state is _State.WORDS else _State.LINE_START
            return f"{format_inline(text)} {self._end_line(state)}"
        if self._is_complete:
            return format_inline(self._take(len(self._raw)))
        end = _last_word_end(mask[:readable])
        if not end and len(mask) >= LONGEST_WORD:
            end = readable
        return format_inline(self._take(end)) if end else NEED_MORE

    def _read_row(self, line: _Line) -> str | NoMatch:
        start = line.text.lstrip(" \t>")
        if not line.is_complete and (not start or (start.startswith("|") and not line.is_long)):
            return NEED_MORE
        if line.is_long or not is_row(line.text):
            return self._end_table()
        speech = f"{PAUSE}{self._table.format_row(line.text)}{PAUSE}{self._skip_line()}"
        self._state = _State.ROWS
        return speech

    def _end_table(self) -> str:
        self._state = _State.LINE_START
        return f"{PAUSE}{self._table.format_omitted_rows()}{PAUSE}"

    def _line_at(self, start: int) -> _Line:
        """Return what has come of the line from `start` on."""
        end = self._raw.find("\n", start)
        return _Line(self._raw[start:end], True) if end >= 0 else _Line(self._raw[start:], self._is_complete)

    def _read_character(self) -> str:
        """Return the next character as plain text."""
        if self._raw[0] == "\n":
            return f"\n{self._end_line()}"
        self._state = _State.WORDS
        return protect_literal(self._take(1))

    def _take(self, length: int) -> str:
        """Return so much of the current line, which is now read."""
        text, self._raw = self._raw[:length], self._raw[length:]
        self._blocks.add(text.replace("\n", " "))  # a line end within a span is part of the line
        return text

    def _skip_line(self, inline_fence: Fence | None = None) -> str:
        """Go on to the next line, which continues nothing; return the announcement of code that begins there."""
        self._take(len(self._line_at(0).text))
        return self._end_line(_State.LINE_START, inline_fence)

    def _end_line(self, state: _State = _State.LINE_START, inline_fence: Fence | None = None) -> str:
        """Go on behind the line end; return the announcement of code that begins there.

        `inline_fence` began in the middle of the line, as Discord sees it.
        """
        self._raw = self._raw[1:]
        self._state = state
        fence = self._blocks.end_line() or inline_fence
        if fence is None:
            return ""
        self._is_inline_fence = fence is inline_fence
        if self._is_inline_fence:
            self._blocks.open_fence(fence)
        return f"{PAUSE}{render(code_announcement(fence.language))}{PAUSE}"


_LINE_STARTS: Final[tuple[Callable[[MarkdownSpeech, _Line], str | NoMatch], ...]] = (
    MarkdownSpeech._skip_code,
    MarkdownSpeech._skip_blank_line,
    MarkdownSpeech._skip_rule,
    MarkdownSpeech._skip_marker,
    MarkdownSpeech._skip_box,
    MarkdownSpeech._skip_fence,
    MarkdownSpeech._start_table,
)
"""What a line may begin with, in the order in which it is looked for; else it begins with a word."""


def _last_word_end(text: str) -> int:
    """Return where the last complete word of `text` ends; a stop ends one only if something else follows it."""
    ends = (found.end() for found in _MAY_END_WORD.finditer(text) if found[0].isspace() or found.end() < len(text))
    return max(ends, default=0)
