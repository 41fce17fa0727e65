"""Hidden reasoning that some servers write into the answer itself, as `<think>…</think>`, told from its words."""

import re
from enum import Enum, auto
from typing import Final

_TAG = re.compile(r"<\s{0,4}(?P<closing>/?)\s{0,4}think(?:ing)?\s{0,4}>", re.IGNORECASE)
_TAGS: Final = ("<think>", "<thinking>", "</think>", "</thinking>")
_LONGEST_TAG: Final = 24

_BETWEEN_MENTIONS: Final = frozenset({"", "…", "...", "and", "or", "/", ","})
"""What stands between two tags that somebody only writes about: "it thinks between <think> and </think>"."""

_FENCE = re.compile(
    r"(?P<quotes>[ \t>]*)(?P<items>(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<marker>`{3,}|~{3,})(?P<info>.*)"
)
_SPACE = re.compile(r"\s+")
_LINE_END = re.compile(r"\r\n?|\n")
_START: Final = " \t>"
_TICKS = re.compile(r"`+|[^`]+")


class _Mode(Enum):
    WORDS = auto()
    BLOCK = auto()
    ASIDE = auto()


class ReasoningFilter:
    """Parts an answer into thoughts and words while it streams, wherever the deltas are cut.

    * A tag counts in any case, with white space inside, and as `<thinking>` too; never inside code.
    * At the head of the answer or of a line it begins thoughts that go on to the closing tag, or to the end.
    * In the middle of a line it begins an aside, which is thoughts only once its closing tag has come: nothing tells
      before whether the tag is not just something to write about.
    * Where a block of thoughts has more opening tags than closing ones, the last closing one ends it.
    """

    def __init__(self) -> None:
        self._held = ""  # what came last; up to `_at` it is looked at
        self._at = 0
        self._space: list[str] = []  # white space that shows only if no tag follows
        self._mode = _Mode.WORDS
        self._code = _Code()
        self._at_head = True
        self._skips_space = False
        self._depth = 0
        self._aside: list[str] = []  # what is thoughts if a closing tag follows, else words
        self._closed_once = False
        self._thoughts: list[str] = []
        self._words: list[str] = []

    def feed(self, text: str) -> tuple[str, str]:
        """Take a delta; give the thoughts and the words that are certain by now, in this order."""
        self._held, self._at = self._held[self._at :] + text, 0
        while self._at < len(self._held):
            before = self._at
            if not self._step():
                break
            assert self._at > before, "each step takes something"
        return self._given()

    def close(self) -> tuple[str, str]:
        """Give what was held back, now that nothing more comes."""
        held, self._held, self._at = self._held[self._at :], "", 0
        if self._mode is _Mode.WORDS:
            self._words += [*self._space, held]
        elif self._mode is _Mode.ASIDE:
            self._words += [*self._aside, held]
        elif self._closed_once:
            self._words.append("".join([*self._aside, held]).lstrip())
        else:
            self._thoughts.append(held)
        self._aside, self._space = [], []
        return self._given()

    def _given(self) -> tuple[str, str]:
        parts = "".join(self._thoughts), "".join(self._words)
        self._thoughts, self._words = [], []
        return parts

    def _step(self) -> bool:
        """Take something off what is held; False when that depends on what comes next."""
        if self._mode is _Mode.WORDS and (self._at_head or self._skips_space) and not self._pass_space():
            return False
        less_than = self._held.find("<", self._at)
        if less_than != self._at:
            self._take(less_than if less_than > 0 else len(self._held))
            return True
        tag = _TAG.match(self._held, self._at)
        if tag is None:
            if _may_become_tag(self._held, self._at):
                return False
            self._take(self._at + 1)
        elif self._mode is _Mode.WORDS:
            self._meet_tag(tag)
        elif self._mode is _Mode.ASIDE:
            self._meet_tag_aside(tag)
        else:
            self._meet_tag_in_thoughts(tag)
        return True

    def _pass_space(self) -> bool:
        """Drop white space around thoughts; keep that of an answer without any. False where nothing follows yet."""
        space = _SPACE.match(self._held, self._at)
        if space is not None:
            self._at = space.end()
            if not self._skips_space:
                self._space.append(space[0])
        if self._at == len(self._held) or _may_become_tag(self._held, self._at):
            return False
        if _TAG.match(self._held, self._at) is None:
            for text in self._space:
                self._give(text)
        self._space = []
        self._at_head = self._skips_space = False
        return True

    def _take(self, end: int) -> None:
        """Put what is held up to `end` where it belongs."""
        text, self._at = self._held[self._at : end], end
        self._give(text)

    def _give(self, text: str) -> None:
        if self._mode is _Mode.WORDS:
            self._words.append(text)
            self._code.follow(text)
        elif self._mode is _Mode.ASIDE or self._closed_once:
            self._aside.append(text)
        else:
            self._thoughts.append(text)

    def _meet_tag(self, tag: re.Match[str]) -> None:
        if self._code.is_open() or (tag["closing"] and not self._code.is_blank):
            self._take(tag.end())
            return
        if tag["closing"]:  # of thoughts whose beginning never came
            self._skips_space = True
        elif self._code.is_blank:
            self._mode, self._depth = _Mode.BLOCK, 1
        else:
            self._mode, self._aside = _Mode.ASIDE, [tag[0]]
        self._at = tag.end()

    def _meet_tag_aside(self, tag: re.Match[str]) -> None:
        if not tag["closing"]:
            self._take(tag.end())
            return
        opening, *inside = self._aside
        self._mode, self._aside = _Mode.WORDS, []
        thoughts = "".join(inside)
        if thoughts.strip() in _BETWEEN_MENTIONS:
            self._give(opening + thoughts)
            self._take(tag.end())
        else:
            self._at = tag.end()
            self._thoughts.append(thoughts)

    def _meet_tag_in_thoughts(self, tag: re.Match[str]) -> None:
        self._depth += -1 if tag["closing"] else 1
        if not tag["closing"]:
            self._take(tag.end())
            return
        self._thoughts += self._aside
        self._aside = []
        self._closed_once = self._depth > 0
        if self._closed_once:
            self._thoughts.append(tag[0])
        else:
            self._mode, self._skips_space = _Mode.WORDS, True
        self._at = tag.end()


class _Code:
    """Follows a text and tells whether its end is inside code: a fence, or a span on its last line.

    Looks at each character once, however often it is asked.
    """

    def __init__(self) -> None:
        self._fence: re.Match[str] | None = None
        self._returned = False  # the last line ended with a carriage return; a line feed may belong to it
        self._begin_line()

    def _begin_line(self) -> None:
        self.is_blank = True  # nothing but white space is on the line so far
        self._line: list[str] = []
        self._in_start = True  # nothing but white space and quote marks is
        self._quotes = 0
        self._is_indented = False  # white space is the last of these
        self._ticks = 0  # backticks at the line's end
        self._span = 0  # backticks that a code span began with

    def follow(self, text: str) -> None:
        """Go on with `text`."""
        if self._returned:
            text = text.removeprefix("\n")
        self._returned = text.endswith("\r")
        first, *others = _LINE_END.split(text)
        self._add(first)
        for line in others:
            self._end_line()
            self._add(line)

    def is_open(self) -> bool:
        """Whether what comes next, if it is no line end, is code."""
        if self._in_fence(is_blank=False):
            return True
        return self._ticks != self._span if self._ticks and self._span else bool(self._ticks or self._span)

    def _add(self, text: str) -> None:
        """Go on with `text`, which has no line end."""
        if not text:
            return
        self._line.append(text)
        self.is_blank = self.is_blank and not text.strip()
        if self._in_start:
            bare = text.lstrip(_START)
            start = text[: len(text) - len(bare)]
            self._in_start = not bare
            self._quotes += start.count(">")
            self._is_indented = start[-1].isspace() if start else self._is_indented
        if self._ticks or "`" in text:
            for run in _TICKS.findall(text):
                if run[0] == "`":
                    self._ticks += len(run)
                else:
                    self._end_ticks()

    def _end_ticks(self) -> None:
        """Take note that a run of backticks has ended, if there was one: it begins or ends a span, or is inside one."""
        if not self._span:
            self._span = self._ticks
        elif self._ticks == self._span:
            self._span = 0
        self._ticks = 0

    def _end_line(self) -> None:
        line = "".join(self._line)
        if not self._in_fence(is_blank=self.is_blank):
            opening = _FENCE.match(line)
            is_fence = opening is not None and (opening["marker"][0] == "~" or "`" not in opening["info"])
            self._fence = opening if is_fence else None
        elif self._fence is not None:
            marker, bare = self._fence["marker"], line.lstrip(_START).rstrip()
            if len(bare) >= len(marker) and not bare.strip(marker[0]):
                self._fence = None
        self._begin_line()

    def _in_fence(self, *, is_blank: bool) -> bool:
        """Whether the fence goes on in the line: it ends with the block quote or the list item that it began in."""
        if self._fence is None or self._quotes < self._fence["quotes"].count(">"):
            return False
        return not self._fence["items"] or is_blank or self._is_indented


def _may_become_tag(text: str, at: int) -> bool:
    """Whether `text`, from `at` on, is the beginning of a tag."""
    if len(text) - at > _LONGEST_TAG or text[at] != "<" or ">" in text[at:]:
        return False
    begun = "".join(text[at:].split()).lower()
    return any(tag.startswith(begun) for tag in _TAGS)
