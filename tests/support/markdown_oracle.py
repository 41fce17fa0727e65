"""Says whether messages show a markdown text: all of it, once, with every code fence closed.

Knows nothing of how the bot cuts: `markdown-it-py` reads the fences, and the words are compared by themselves.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from wcwidth import wcswidth

# Discord knows neither raw HTML nor link definitions, so neither may hide a fence; and it has no limit of nesting. What
# matters here is the blocks.
_READER = MarkdownIt("commonmark", {"maxNesting": 10_000}).disable(["html_block", "reference", "inline"])

_TABLE_READER = MarkdownIt("commonmark", {"maxNesting": 10_000}).disable(["html_block", "reference"]).enable("table")
_BOX = re.compile(r"\A\[[ xX]\](?= )")
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_WIDE}]|\d+|[^\W\d_{_WIDE}]+")
_GRID_RULE = re.compile(r"[-=]+(?:\+[-=]+)*")
_SLACK = 60
"""So many further words may stand between two of a text."""

_FENCE_START = re.compile(r"[> ]*(?:`{3,}|~{3,})[\w+\-.#]*")
_FENCE_END = re.compile(r"[> ]*(?:`{3,}|~{3,})")


def squeeze(text: str) -> str:
    """Take all white space out of a text."""
    return "".join(text.split())


def has_open_fence(message: str) -> bool:
    """Whether a fence is still open where `message` ends."""
    lines = message.count("\n") + 1
    fences = [token for token in _READER.parse(message + "\n") if token.type == "fence"]
    if not fences or fences[-1].map is None:
        return False
    first, end = fences[-1].map
    # A closed fence has two lines that are not its content, an open one has one.
    return end == lines and fences[-1].content.count("\n") == end - first - 1


def is_only_a_fence(message: str) -> bool:
    """Whether there is nothing but one empty fence in `message`."""
    tokens = _READER.parse(message)
    return [token.type for token in tokens] == ["fence"] and not tokens[0].content.strip()


def shows_whole(messages: list[str], text: str) -> bool:
    """Whether `messages`, one after another, are `text` but for white space and fence lines added at their edges."""
    return furthest_match(messages, text) == len(squeeze(text))


def furthest_match(messages: list[str], text: str) -> int | None:
    """Tell how far into `squeeze(text)` the messages lead, or None when one of them does not go on from there."""
    whole = squeeze(text)
    reached = {0}
    for message in messages:
        bodies = {squeeze(body) for body in _without_added_fences(message)}
        reached = {at + len(body) for at in reached for body in bodies if whole.startswith(body, at)}
    return max(reached, default=None)


def _without_added_fences(message: str) -> list[str]:
    """List what `message` may be without a fence line at its beginning, at its end, at both, at neither."""
    bodies = [message]
    first, _, rest = message.partition("\n")
    if _FENCE_START.fullmatch(first):
        bodies.append(rest)
    for body in list(bodies):
        front, _, last = body.rpartition("\n")
        if _FENCE_END.fullmatch(last):
            bodies.append(front)
    return bodies


@dataclass(frozen=True)
class Prose:
    """Words that stand one after another."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """The words of a table, cell by cell, in rows."""

    rows: tuple[tuple[tuple[str, ...], ...], ...]


def words_in(text: str) -> tuple[str, ...]:
    """The words of a text without any markup; of a script without spaces, the characters."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).lower()))


def reading_of(text: str) -> list[Prose | Cells]:
    """What a reader of `text` gets to read, as GitHub would show it: prose and tables, in order."""
    found: list[Prose | Cells] = []
    rows: list[list[tuple[str, ...]]] = []
    in_table = False
    for token in _TABLE_READER.parse(text):
        if token.type == "table_open":
            rows, in_table = [], True
        elif token.type == "table_close":
            found.append(Cells(tuple(map(tuple, rows))))
            in_table = False
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("fence", "code_block"):
            found.append(Prose(words_in(token.content)))
        elif token.type == "inline":
            words = words_in(_BOX.sub("", _visible(token.children or [])))
            if in_table:
                rows[-1].append(words)
            else:
                found.append(Prose(words))
    return found


def missing_words(messages: list[str], text: str) -> str | None:
    """Tell what of `text` the messages do not show, in its order; None when all of it is there.

    There may be more: the hosts of links, the headers of tables that go on, languages of fences.
    """
    shown = words_in("\n".join(messages))
    at, slack = 0, _SLACK
    for part in reading_of(text):
        if isinstance(part, Prose):
            for word in part.words:
                near = shown[at : at + slack]
                if word not in near:
                    return f"{word!r} of {part.words[:12]} after {shown[max(0, at - 5) : at]}"
                at, slack = at + near.index(word) + 1, _SLACK
            continue
        wanted = Counter(word for row in part.rows for cell in row for word in cell)
        header = sum(map(len, part.rows[0]))
        reach = 2 * wanted.total() + header * len(part.rows) + slack
        near = shown[at : at + reach]
        if lacking := wanted - Counter(near):
            return f"of a table: {dict(lacking)}"
        while wanted.total():
            wanted -= Counter([shown[at]])
            at += 1
    return None


def misaligned(message: str) -> str | None:
    """Name a line of a grid whose borders are not below one another; None when all grids are straight."""
    for token in _READER.parse(message):
        lines = token.content.split("\n")[:-1] if token.type == "fence" and not token.info else []
        rules = [line for line in lines[:6] if _GRID_RULE.fullmatch(line)]
        if not rules:
            continue
        borders = [at for at, character in enumerate(rules[0]) if character == "+"]
        for line in lines:
            columns = {wcswidth(line[:at]) for at, character in enumerate(line) if character in "|+"}
            if not set(borders) <= columns | {at for at in borders if at > wcswidth(line)} or wcswidth(line) > len(
                rules[0]
            ):
                return line
    return None


def _visible(children: list[Token]) -> str:
    parts = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "image":
            parts.append(_visible(child.children or []))
        elif child.type in ("softbreak", "hardbreak") or child.content.startswith("<br"):
            parts.append(" ")
    return "".join(parts)


def is_in_code(text: str, word: str, kinds: tuple[str, ...] = ("fence", "code_block")) -> bool:
    """Whether `word` stands in a code block of `text`."""
    return any(word in token.content for token in _READER.parse(text) if token.type in kinds)
