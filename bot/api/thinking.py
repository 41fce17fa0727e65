"""Hidden reasoning that some servers write into the answer itself, as `<think>…</think>`, told from its words."""

import re
from enum import Enum, auto
from typing import Final

_TAG = re.compile(r"<\s{0,4}(?P<closing>/?)\s{0,4}think(?:ing)?\s{0,4}>", re.IGNORECASE)
_TAGS: Final = ("<think>", "<thinking>", "</think>", "</thinking>")
_LONGEST_TAG: Final = 24

# What stands between two tags that somebody only writes about: "it thinks between <think> and </think>".
_MENTION = re.compile(r"\s*(?:…|\.\.\.|and|or|/|,)?\s*")

_FENCE = re.compile(
    r"(?P<quotes>[ \t>]*)(?P<items>(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<marker>`{3,}|~{3,})(?P<info>.*)"
)
_TICKS = re.compile(r"`+")


class _Mode(Enum):
    WORDS = auto()
    BLOCK = auto()
    ASIDE = auto()


class ThinkingFilter:
    """Parts an answer into thoughts and words while it streams, wherever the deltas are cut.

    * A tag counts in any case, with white space inside, and as `<thinking>` too; never inside code.
    * At the head of the answer or of a line it begins thoughts that go on to the closing tag, or to the end.
    * In the middle of a line it begins an aside, which is thoughts only once its closing tag has come: nothing tells
      before whether the tag is not just something to write about.
    * Where a block of thoughts has more opening tags than closing ones, the last closing one ends it.
    """

    def __init__(self) -> None:
        self._held = ""  # not looked at yet, or a tag in the making
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
        self._held += text
        while self._held and self._step():
            pass
        return self._given()

    def close(self) -> tuple[str, str]:
        """Give what was held back, now that nothing more comes."""
        held, self._held = self._held, ""
        if self._mode is _Mode.WORDS:
            self._words.append("" if self._skips_space else held)
        elif self._mode is _Mode.ASIDE:
            self._words += [*self._aside, held]
        elif self._closed_once:
            self._words.append("".join([*self._aside, held]).lstrip())
        else:
            self._thoughts.append(held)
        self._aside = []
        return self._given()

    def _given(self) -> tuple[str, str]:
        parts = "".join(self._thoughts), "".join(self._words)
        self._thoughts, self._words = [], []
        return parts

    def _step(self) -> bool:
        """Take something off what is held; False when that depends on what comes next."""
        if self._mode is _Mode.WORDS and (self._at_head or self._skips_space) and not self._pass_space():
            return False
        text, less_than, _ = self._held.partition("<")
        if text:
            self._take(text)
            return True
        tag = _TAG.match(self._held)
        if tag is None:
            if _may_become_tag(self._held):
                return False
            self._take(less_than)
        elif self._mode is _Mode.WORDS:
            self._meet_tag(tag)
        elif self._mode is _Mode.ASIDE:
            self._meet_tag_aside(tag)
        else:
            self._meet_tag_in_thoughts(tag)
        return True

    def _pass_space(self) -> bool:
        """Drop white space around thoughts; keep that of an answer without any."""
        bare = self._held.lstrip()
        if not bare or _may_become_tag(bare):
            return False
        if self._skips_space or _TAG.match(bare):
            self._held = bare
        self._at_head = self._skips_space = False
        return True

    def _take(self, text: str) -> None:
        """Put the beginning of what is held where it belongs."""
        self._held = self._held[len(text) :]
        if self._mode is _Mode.WORDS:
            self._words.append(text)
            self._code.follow(text)
        elif self._mode is _Mode.ASIDE or self._closed_once:
            self._aside.append(text)
        else:
            self._thoughts.append(text)

    def _meet_tag(self, tag: re.Match[str]) -> None:
        at_line_start = not self._code.line.strip()
        if self._code.is_open() or (tag["closing"] and not at_line_start):
            self._take(tag[0])
            return
        if tag["closing"]:  # of thoughts whose beginning never came
            self._skips_space = True
        elif at_line_start:
            self._mode, self._depth = _Mode.BLOCK, 1
        else:
            self._mode, self._aside = _Mode.ASIDE, [tag[0]]
        self._held = self._held[tag.end() :]

    def _meet_tag_aside(self, tag: re.Match[str]) -> None:
        if not tag["closing"]:
            self._take(tag[0])
            return
        opening, *inside = self._aside
        self._held = self._held[tag.end() :]
        self._mode, self._aside = _Mode.WORDS, []
        thoughts = "".join(inside)
        if _MENTION.fullmatch(thoughts):
            self._words.append(opening + thoughts + tag[0])
            self._code.follow(opening + thoughts + tag[0])
        else:
            self._thoughts.append(thoughts)

    def _meet_tag_in_thoughts(self, tag: re.Match[str]) -> None:
        self._depth += -1 if tag["closing"] else 1
        if not tag["closing"]:
            self._take(tag[0])
            return
        self._thoughts += self._aside
        self._aside = []
        self._closed_once = self._depth > 0
        if self._closed_once:
            self._thoughts.append(tag[0])
        else:
            self._mode, self._skips_space = _Mode.WORDS, True
        self._held = self._held[tag.end() :]


class _Code:
    """Follows a text and tells whether its end is inside code: a fence, or a span on its last line."""

    def __init__(self) -> None:
        self.line = ""  # as far as it has come
        self._fence: re.Match[str] | None = None
        self._returned = False  # the last line ended with a carriage return; a line feed may belong to it

    def follow(self, text: str) -> None:
        """Go on with `text`."""
        if self._returned:
            text = text.removeprefix("\n")
        self._returned = text.endswith("\r")
        first, *others = re.split(r"\r\n?|\n", text)
        self.line += first
        for line in others:
            self._end_line()
            self.line = line

    def is_open(self) -> bool:
        """Whether what comes next, if it is no line end, is code."""
        return self._in_fence(self.line + "…") or _has_open_span(self.line)

    def _end_line(self) -> None:
        if not self._in_fence(self.line):
            opening = _FENCE.match(self.line)
            is_fence = opening is not None and (opening["marker"][0] == "~" or "`" not in opening["info"])
            self._fence = opening if is_fence else None
        elif self._fence is not None:
            marker, bare = self._fence["marker"], self.line.lstrip(" \t>").rstrip()
            if len(bare) >= len(marker) and not bare.strip(marker[0]):
                self._fence = None

    def _in_fence(self, line: str) -> bool:
        """Whether the fence goes on in `line`: it ends with the block quote or the list item that it began in."""
        if self._fence is None:
            return False
        start = line[: len(line) - len(line.lstrip(" \t>"))]
        if start.count(">") < self._fence["quotes"].count(">"):
            return False
        return not self._fence["items"] or not line.strip() or start[-1:].isspace()


def _has_open_span(line: str) -> bool:
    marker = ""
    for ticks in _TICKS.findall(line):
        if not marker:
            marker = ticks
        elif ticks == marker:
            marker = ""
    return bool(marker)


def _may_become_tag(text: str) -> bool:
    """Whether `text`, from its first character on, is the beginning of a tag."""
    if len(text) > _LONGEST_TAG or not text.startswith("<") or ">" in text:
        return False
    begun = "".join(text.split()).lower()
    return any(tag.startswith(begun) for tag in _TAGS)
