"""Markdown as models and attackers write it, rendered and split, whole and as it streams."""

import re
from collections.abc import Callable
from random import Random

from bot.markdown.renderer import MarkdownRenderer, render_markdown
from bot.markdown.splitter import Splitter, split
from tests.support.adversarial_shapes import SHAPES
from tests.support.markdown_oracle import has_open_fence, shows_whole
from tests.support.markdown_samples import sample

TOKENS = (
    *("| a | b |\n", "|---|:-:|\n", "|-|\n", "|", "||", "| 1 | [x](https://a.example/b) |\n", "|\n"),
    *("a | b\n", "--|--\n", "[", "]", "(", ")", "](", "![", "[^1]", "[^1]: n\n", "[t](https://b.example/x)"),
    *("[t](<https://b.example/y> 'z')", "#### x\n", "# ", "######", "---\n", "===\n", "***\n", "> ", ">>> "),
    *(">", "- ", "* ", "1. ", "- [ ] ", "    ", "  ", "`", "``", "```", "```py\n", "````\n", "~~~"),
    *("~~~js\n", "```\n", "\\", "\\[", "\\]", "\\(", "\\)", "$", "$$", "$x^2$", "\n$$\n", "\\begin{a}"),
    *("\\end{a}", "*", "**", "***", "_", "__", "~~", "||", "<", "<b>", "</b>", "<br>", "<!--", "-->"),
    *("<a href='https://c.example'>", "</a>", "<code>", "</code>", "<img src=x alt='", "'>", "<@1>"),
    *("<t:1:R>", "&lt;", "&", "&amp", "https://d.example/$a$", "https://", "a", "word ", "Some words. "),
    *("one two three ", "x" * 120, "\n", "\n\n", "\r\n", "\r", "\t", "\u3000", "\u2028", "👩‍👩‍👧‍👦", "🇩🇪"),
    *("e\u0301", "\u200d", "你好。", "שלום", "\x00", "[!NOTE]"),
)  # fmt: skip
TOO_DEEP = re.compile(r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+|>[ \t]*){30,}")
"""More containers than we or the reader of fences follow."""
LONGEST = 4000
LIMITS = (40, 100, 160, 400, 2000)
LEAST_RENDERED = 100
"""Below this limit a table's grid has no room for itself."""


def try_one(random: Random) -> None:
    """Render and split one text: every part within its limit with its fences closed, the same however it comes."""
    text = _text(random)
    limit = random.choice(LIMITS)
    _try_splitter(text, limit, random)
    _try_rendering(text, max(limit, LEAST_RENDERED), random)


def _try_splitter(text: str, limit: int, random: Random) -> None:
    parts = split(text, limit)
    _check(parts, text, limit)
    assert shows_whole(parts, text), (limit, text)
    splitter, streamed = Splitter(limit), []
    for piece in _cut(text, random):
        streamed += splitter.feed(piece)
        _check_preview(splitter.preview, text, limit, random)
    assert [*streamed, *splitter.finish()] == parts, (limit, text)


def _try_rendering(text: str, limit: int, random: Random) -> None:
    parts = render_markdown(text, limit)
    _check(parts, text, limit)
    assert bool(parts) == bool(text.strip()), (limit, text)
    rendering, streamed, shown = MarkdownRenderer(limit), [], 0
    for piece in _cut(text, random):
        streamed += rendering.feed(piece)
        preview = _check_preview(rendering.preview, text, limit, random)
        shown = max(shown, len(streamed) + bool(preview))
    assert [*streamed, *rendering.finish()] == parts, (limit, text)
    assert len(parts) >= shown, (limit, text)


def _check(parts: list[str], text: str, limit: int) -> None:
    for part in parts:
        assert 0 < len(part) <= limit, (limit, text)
        assert TOO_DEEP.search(text) or not has_open_fence(part), (limit, text, part)


def _check_preview(preview: Callable[[int], str], text: str, limit: int, random: Random) -> str:
    if random.random() < 0.7:
        return ""
    room = limit - random.randrange(10)
    seen = preview(room)
    assert len(seen) <= room, (limit, text, seen)
    assert TOO_DEEP.search(text) or not has_open_fence(seen), (limit, text, seen)
    return seen


def _text(random: Random) -> str:
    kind = random.random()
    if kind < 0.15:
        return sample(random.randrange(1 << 30), longest=3000)
    if kind < 0.25:
        shape = SHAPES[random.choice(list(SHAPES))]
        return shape(random.randrange(3000)).replace("\ud800", "?")
    chosen = random.sample(TOKENS, random.randrange(2, 9)) if random.random() < 0.5 else TOKENS
    tokens = random.choices(chosen, k=random.randrange(60))
    if tokens and random.random() < 0.1:
        tokens[random.randrange(len(tokens))] *= random.randrange(300)
    return "".join(tokens)[:LONGEST]


def _cut(text: str, random: Random) -> list[str]:
    pieces, at = [], 0
    sizes = random.choice(((1, 2, 3), (0, 1, 7, 30), (16,), (200, 1000)))
    while at < len(text):
        size = random.choice(sizes)
        pieces.append(text[at : at + size])
        at += size
    return pieces
