"""What is heard of an answer's Markdown while it is being written, line by line and word by word.

A line shows what it is with its first word: a heading, a quotation, an item of a list. Blocks that only make sense to
the eye are announced (code) or read row by row (tables). Within a line, text is held back until the span that it
belongs to is complete, so that nothing hidden is ever heard and nothing is cut in two.

The result depends on the text alone, not on how it was divided into deltas: it is read whenever a word is complete.
Where that did not decide what is there, the next try waits until an eighth more has come, so that the work grows with
the length of the text. No more than some thousand characters are ever held back.
"""

import re
from enum import Enum, auto
from typing import Final

from bot.messages import speech as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.speech.inline_speech import (
    Table,
    can_become_delimiter,
    format_inline,
    is_delimiter,
    is_row,
    keep_speakable,
    keep_together,
    mask_spans,
    protect_literal,
)

_LANGUAGE_NAMES: Final = {
    "py": "Python",
    "python3": "Python",
    "js": "JavaScript",
    "javascript": "JavaScript",
    "jsx": "JavaScript",
    "ts": "TypeScript",
    "typescript": "TypeScript",
    "tsx": "TypeScript",
    "c++": "C++",
    "cpp": "C++",
    "cs": "C sharp",
    "csharp": "C sharp",
    "c#": "C sharp",
    "rs": "Rust",
    "rb": "Ruby",
    "go": "Go",
    "golang": "Go",
    "kt": "Kotlin",
    "php": "PHP",
    "sql": "SQL",
    "html": "HTML",
    "css": "CSS",
    "scss": "CSS",
    "xml": "XML",
    "json": "JSON",
    "jsonc": "JSON",
    "yaml": "YAML",
    "yml": "YAML",
    "toml": "TOML",
    "ini": "INI",
    "tex": "LaTeX",
    "latex": "LaTeX",
    "hs": "Haskell",
    "ps1": "PowerShell",
    "powershell": "PowerShell",
    "dockerfile": "Docker",
    "md": "Markdown",
    "markdown": "Markdown",
}
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "fish", "shell", "console", "terminal", "shell-session", "bat", "cmd"})
_NO_LANGUAGE: Final = frozenset({"", "text", "txt", "plain", "plaintext", "none", "ansi", "output", "log", "code"})
_LANGUAGE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+#]{0,19}")


def code_announcement(info: str) -> Message:
    """Return the announcement of a code block; `info` is the text behind the backticks that open it."""
    language = info.split(maxsplit=1)[0].lower() if info.strip() else ""
    if language in _NO_LANGUAGE:
        return texts.spoken_code()
    if language in _SHELLS:
        return texts.spoken_shell_code()
    if language == "diff":
        return texts.spoken_diff()
    if language == "mermaid":
        return texts.spoken_diagram()
    name = _LANGUAGE_NAMES.get(language) or (language.capitalize() if _LANGUAGE_NAME.fullmatch(language) else "")
    return texts.spoken_code_in(name) if name else texts.spoken_code()


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
_FENCE: Final = re.compile(r"(?P<run>`{3,})(?P<info>[^`\n]*)|(?P<tildes>~{3,})(?P<words>[^\n]*)")
# Discord takes three backticks for the end of code wherever they are. At a line's beginning, and with a language, they
# are part of it all the same: code that shows how to write code.
_CLOSING_WITHIN: Final = re.compile(r"(?<=[^\s>`])[^\S\n]*```(?!`)|^[ \t>]*```(?![\w`])")
_FENCE_WITHIN: Final = re.compile(r"(?<!`)`{3,}[^`\n]*\Z")
_MAX_STEPS_IN_PLACE: Final = 3  # the end of a table, then the beginning of a line, then its first word
_FIRST_LETTER: Final = re.compile(r"[*_~`\"'“‘«(\[]*(?=(.))", re.DOTALL)


LONGEST_WORD: Final = 4000
"""Characters after which a word is taken to end: Discord's longest message, and so its longest address."""


class _Block(Enum):
    """What the next line belongs to."""

    TEXT = auto()
    CODE = auto()
    TABLE = auto()


class MarkdownSpeech:
    """One answer. `feed` and `finish` return what is heard next, protected as in `bot.speech.inline_speech`."""

    def __init__(self) -> None:
        self._raw = ""  # what is not read yet
        self._unread: list[str] = []  # what comes behind it and was not looked at
        self._unread_length = 0
        self._next_read_length = 0  # the length of both together at which they are looked at
        self._in_word = 0  # characters since a word was complete
        self._in = _Block.TEXT
        self._at_line_start = True
        self._in_list = False  # an item was just begun: it may have a box to be ticked
        self._in_heading = False
        self._may_continue = False  # the line before was text, which this one may continue
        self._fence = ""
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
                    speech += self._read(whole=False)
            elif character in _STOPS:
                self._after_stop = True
        self._defer(text[begin:])
        self._in_word += len(text) - begin
        return speech

    def finish(self) -> list[str]:
        """Return the rest: the answer is complete."""
        self._defer(keep_speakable(self._carriage_return))
        self._carriage_return = ""
        return [*self._read(whole=True), self._end_table()]

    def _defer(self, text: str) -> None:
        self._unread.append(text)
        self._unread_length += len(text)

    def _read(self, *, whole: bool) -> list[str]:
        """Return what is heard as far as it is clear what is there."""
        self._raw += "".join(self._unread)
        self._unread, self._unread_length = [], 0
        speech = []
        in_place = 0
        while self._raw:
            length = len(self._raw)
            step = self._step(whole=whole)
            if step is None:
                break
            speech.append(step)
            in_place = in_place + 1 if len(self._raw) == length else 0
            if in_place > _MAX_STEPS_IN_PLACE:
                # Two rules disagree about this line. That must not happen, and must never hang the process.
                speech.append(self._read_character())
                in_place = 0
        self._next_read_length = len(self._raw) + int(len(self._raw) * _GROWTH_BEFORE_NEXT_READ)
        return speech

    def _step(self, *, whole: bool) -> str | None:
        if self._in is _Block.CODE:
            return self._skip_code(whole=whole)
        if self._in is _Block.TABLE:
            return self._read_row(whole=whole)
        if self._at_line_start:
            return self._start_line(whole=whole)
        return self._read_text(whole=whole)

    def _start_line(self, *, whole: bool) -> str | None:
        """Return what is heard at the start of a line; None where it is not clear yet what kind of line it is."""
        line, ended = self._line(whole=whole)
        if not line.strip():
            return self._skip_line(PAUSE) if ended else None
        if len(line) <= _MAX_RULE_LENGTH:
            if _RULE.fullmatch(line):
                return self._skip_line(PAUSE) if ended else None
            if not ended and not line.strip("-*_ \t"):
                return None
        if (marker := _MARKER.match(self._raw)) is not None:
            return self._skip_marker(marker)
        if self._in_list and (task := _TASK.match(self._raw)) is not None:
            return self._skip(task.end())
        start = line.lstrip()
        if len(line) > _MAX_LINE_LENGTH:
            return self._start_text(start)
        if not ended and ((self._in_list and _PARTIAL_TASK.match(self._raw)) or _PARTIAL_MARKER.fullmatch(self._raw)):
            return None
        if start.startswith(("```", "~~~")):
            fence = _FENCE.fullmatch(start)
            if not ended:
                return None
            if fence is not None:
                return self._start_code(fence)
        if start.startswith("|") and (is_row(line) if ended else not start.startswith("||")):
            started = self._start_table(line, ended=ended, whole=whole)
            if started is None or started:
                return started
        return self._start_text(start)

    def _skip_marker(self, marker: re.Match[str]) -> str:
        self._skip(marker.end())
        if marker.lastgroup == "quote":
            return ""  # a quotation goes on from line to line as any text does
        self._may_continue = False
        self._in_heading = marker.lastgroup == "heading"
        self._in_list = marker.lastgroup in ("item", "number")
        return PAUSE + (keep_together(f"{marker['number']}. ") if marker["number"] else "")

    def _start_text(self, start: str) -> str:
        """Start a line of words: of the same sentence if it goes on in lower case."""
        first = _FIRST_LETTER.match(start)
        continues = self._may_continue and first is not None and first[1].islower()
        has_spoken = self._in_list or self._in_heading
        self._at_line_start = self._in_list = self._may_continue = False
        return "" if has_spoken else " " if continues else PAUSE

    def _read_text(self, *, whole: bool) -> str | None:
        """Return what is heard of a line's words, up to its end if that is there; None while no word is complete."""
        mask, readable = mask_spans(self._raw, whole=whole)
        line_end = mask.find("\n", 0, readable)
        if line_end >= 0 or whole:
            within = _FENCE_WITHIN.search(mask, 0, readable if line_end < 0 else line_end)
            # The mask only shows that the run is in no span. What the run opens is decided by the written line:
            # a backtick behind it, though hidden in a span, means that it opens nothing.
            if within is not None and (fence := _FENCE.match(self._raw, within.start())) and _ends_line(fence):
                before = self._raw[: fence.start()]
                self._skip(fence.start())
                return format_inline(before) + PAUSE + self._start_code(fence)
        if line_end >= 0:
            text = self._raw[:line_end]
            self._skip(line_end + 1)
            self._at_line_start, self._may_continue, self._in_heading = True, not self._in_heading, False
            return f"{format_inline(text)} "
        if whole:
            end = len(self._raw)
        else:
            end = _last_word_end(mask[:readable])
            if not end and len(mask) >= LONGEST_WORD:
                end = readable
        if not end:
            return None
        text = self._raw[:end]
        self._skip(end)
        return format_inline(text)

    def _start_code(self, fence: re.Match[str]) -> str:
        self._fence = fence["run"] or fence["tildes"]
        self._in = _Block.CODE
        announcement = code_announcement(fence["info"] or fence["words"] or "")
        return self._skip_line(f"{PAUSE}{render(announcement)}{PAUSE}")

    def _skip_code(self, *, whole: bool) -> str | None:
        """Skip a line of code, or the one that ends it; None while the line is not complete."""
        line, ended = self._line(whole=whole)
        if not ended:
            return None
        bare = line.strip(" \t>")
        if len(bare) >= len(self._fence) and not bare.strip(self._fence[0]):
            self._in = _Block.TEXT
            return self._skip_line("")
        if self._fence == "```" and (closing := _CLOSING_WITHIN.search(line)) is not None:
            self._in = _Block.TEXT
            self._skip(closing.end())
            self._at_line_start = False
            return ""
        return self._skip_line("")

    def _start_table(self, line: str, *, ended: bool, whole: bool) -> str | None:
        """Start a table if the next line shows that this one is its header; "" where it is none, None if not clear."""
        if not ended:
            return None
        rest = self._raw[len(line) + 1 :]
        second, second_ended = rest.partition("\n")[0], "\n" in rest or whole
        if len(second) > _MAX_LINE_LENGTH:
            return ""
        if not second_ended:
            return None if can_become_delimiter(second) else ""
        if not is_delimiter(second):
            return ""
        self._table = Table(line)
        self._in = _Block.TABLE
        self._skip_line("")
        return self._skip_line(f"{PAUSE}{render(texts.spoken_table())}{PAUSE}")

    def _read_row(self, *, whole: bool) -> str | None:
        line, ended = self._line(whole=whole)
        start = line.lstrip(" \t>")
        if not start and not ended:
            return None
        is_long = len(line) > _MAX_LINE_LENGTH
        if not ended and not is_long and start.startswith("|"):
            return None
        if is_long or not is_row(line):
            return self._end_table()
        return self._skip_line(f"{PAUSE}{self._table.format_row(line)}{PAUSE}")

    def _end_table(self) -> str:
        if self._in is not _Block.TABLE:
            return ""
        self._in = _Block.TEXT
        return f"{PAUSE}{self._table.format_omitted_rows()}{PAUSE}"

    def _line(self, *, whole: bool) -> tuple[str, bool]:
        """Return the line that is not read yet, and whether all of it is there."""
        line, end, _ = self._raw.partition("\n")
        return line, bool(end) or whole

    def _read_character(self) -> str:
        """Return the next character as plain text."""
        character = self._raw[0]
        self._skip(1)
        self._at_line_start = character == "\n"
        return protect_literal(character)

    def _skip(self, characters: int) -> str:
        self._raw = self._raw[characters:]
        return ""

    def _skip_line(self, line_speech: str) -> str:
        """Go on to the next line, which continues nothing; return `line_speech`."""
        self._raw = self._raw.partition("\n")[2]
        self._at_line_start = True
        self._may_continue = self._in_list = False
        return line_speech


def _last_word_end(text: str) -> int:
    """Return where the last complete word of `text` ends; a stop ends one only if something else follows it."""
    ends = (found.end() for found in _MAY_END_WORD.finditer(text) if found[0].isspace() or found.end() < len(text))
    return max(ends, default=0)


def _ends_line(found: re.Match[str]) -> bool:
    """Return whether nothing of the line is left behind `found`."""
    return found.string[found.end() : found.end() + 1] in ("", "\n")
