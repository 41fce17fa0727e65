"""Random markdown as models write it, and worse: seeded, so that the same number gives the same text each time."""

import random
from collections.abc import Callable, Iterator

_WORDS = [
    *("the", "a", "of", "one", "moment", "sky", "river", "lantern", "quiet", "because", "however", "people", "answer"),
    *("question", "garden", "winter", "house", "light", "small", "and", "then", "it", "was", "never", "between"),
    *(
        "Übergröße",
        "naïve",
        "façade",
        "москва",
        "ありがとう",
        "你好世界",
        "안녕하세요",
        "مرحبا",
        "हिन्दी",
        "e.g.",
        "3.14",
    ),
    *("C++", "don't", "**bold**", "*soft*", "~~gone~~", "||hidden||", "__under__", "`code`", "`two", "words`", "\\*"),
]
_EMOJI = ["👍", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇫🇷🇯🇵", "👋🏽", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "e\u0301", "Z͑ͫa̴l͝g̵o"]
_TOKENS = [
    "<@123456789012345678>",
    "<#987654321098765432>",
    "<:wave:123456789012345678>",
    "<t:1790000000:R>",
    "https://example.org/a/long/path?with=query&and=more#part",
    "[a masked link](https://example.org/page_(1))",
    "@everyone",
    "```inline```",
    "use ``` alone",
]
_MARKS = [
    *(
        "$x^2$",
        "$5",
        "$",
        "$$",
        "$$y$$",
        "\\(a+b\\)",
        "\\[",
        "\\]",
        "![pic](https://img.example/a.png)",
        "[a](https://b.example)",
    ),
    *(
        "[^1]",
        "[^note]: text",
        "[ ]",
        "- [x] done",
        "<br>",
        "<b>bold</b>",
        "<i>",
        "<details>",
        "</details>",
        "<!-- no -->",
    ),
    *(
        "&lt;",
        "&nbsp;",
        "&copy",
        "---",
        "***",
        "===",
        "#### deep",
        "######",
        "> [!NOTE]",
        "|",
        "| a |",
        "|---|",
        "|:-:|--:|",
    ),
    *(
        "\\begin{align}",
        "\\end{align}",
        "\\|",
        "https://example.org/$a$",
        "[b](mailto:c)",
        "![](",
        "](",
        "<code>x</code>",
        "<",
    ),
]
_LANGUAGES = ["", "", "py", "python", "js", "c++", "objective-c", " rust", 'json title="x"', "text"]
_LINE_ENDS = ["\n", "\n", "\n", "\r\n", "\r"]
_SHARDS = [
    "```",
    "~~~",
    "````",
    "`",
    "> ",
    "- ",
    "1. ",
    "    ",
    "\t",
    "  ",
    "# ",
    "a",
    "b c",
    "",
    "\n",
    "\n\n",
    "\r\n",
    "👩‍👩‍👧‍👦",
]


def sample(seed: int, longest: int = 20_000) -> str:
    """Write a text of 0 to about `longest` characters."""
    chance = random.Random(seed)
    length = chance.choice([0, chance.randint(0, 50), chance.randint(0, longest // 8), chance.randint(0, longest)])
    line_end = chance.choice(_LINE_ENDS)
    blocks = list(_blocks(chance, length))
    text = "\n\n".join(blocks)[:length] if chance.random() < 0.9 else "\n".join(blocks)[:length]
    return text.replace("\n", line_end)


def pieces(text: str, seed: int) -> Iterator[str]:
    """Cut `text` as a stream brings it: mostly a few characters, now and then many, some of them empty."""
    chance = random.Random(seed)
    usual = chance.choice([1, 4, 12, 60, 400])
    at = 0
    while at < len(text):
        size = chance.choice([0, 1, usual, usual, usual * 3]) if chance.random() < 0.99 else usual * 40
        yield text[at : at + size]
        at += size


def _blocks(chance: random.Random, length: int) -> Iterator[str]:
    """Yield blocks until there are more than `length` characters."""
    kinds: list[Callable[[random.Random], str]] = [
        _paragraph, _paragraph, _paragraph, _fence, _fence, _list, _quote, _table, _heading, _marks, _unbroken,
        _rubble, _blank,
    ]  # fmt: skip
    written = 0
    while written <= length:
        block = chance.choice(kinds)(chance)
        written += len(block) + 1
        yield block


def _words(chance: random.Random, count: int) -> str:
    return " ".join(
        chance.choice(_EMOJI if (dice := chance.random()) < 0.05 else _TOKENS if dice < 0.08 else _WORDS)
        for _ in range(count)
    )


def _paragraph(chance: random.Random) -> str:
    sentences = [_words(chance, chance.randint(2, 25)) + chance.choice(".!?…") for _ in range(chance.randint(1, 12))]
    return chance.choice([" ", " ", "\n"]).join(sentences)


def _fence(chance: random.Random) -> str:
    marker = chance.choice(["```", "```", "```", "````", "~~~", "~~~~~", "`" * chance.randint(3, 40)])
    indent = chance.choice(["", "", "", " ", "   ", "    ", "> ", "- "])
    inner = chance.choice([0, 1, 5, 40, 120])
    lines = [" " * chance.choice([0, 4, 8]) + _words(chance, chance.randint(0, 12)) for _ in range(inner)]
    if chance.random() < 0.2:
        lines.insert(chance.randint(0, len(lines)), chance.choice(["```", "```py", "~~~", "x = '```'", "\t", "> ```"]))
    if chance.random() < 0.05:
        lines.append("x" * chance.randint(500, 5000))
    end = [] if chance.random() < 0.15 else [marker]
    following = indent if indent == "> " else " " * len(indent)
    opening = indent + marker + chance.choice(_LANGUAGES)
    return "\n".join([opening, *(following + line for line in [*lines, *end])])


def _list(chance: random.Random) -> str:
    lines = []
    for number in range(chance.randint(1, 15)):
        depth = chance.choice([0, 0, 1, 2])
        mark = chance.choice(["-", "*", f"{number + 1}."])
        lines.append("   " * depth + f"{mark} {_words(chance, chance.randint(1, 20))}")
        if chance.random() < 0.15:
            pad = "   " * (depth + 1)
            lines += ["", *(pad + line for line in _fence(chance).split("\n")), ""]
    return "\n".join(lines)


def _quote(chance: random.Random) -> str:
    inner = chance.choice([_paragraph, _fence, _list])(chance)
    return "\n".join("> " + line for line in inner.split("\n"))


def _table(chance: random.Random) -> str:
    rows = [[_words(chance, chance.randint(1, 3)) for _ in range(3)] for _ in range(chance.randint(1, 30))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * 3, *rows[1:]])


def _heading(chance: random.Random) -> str:
    return "#" * chance.randint(1, 5) + " " + _words(chance, chance.randint(1, 8))


def _marks(chance: random.Random) -> str:
    lines = [chance.choice([" ", ""]).join(chance.choices(_MARKS, k=chance.randint(1, 8))) for _ in range(20)]
    return chance.choice(["\n", "\n\n"]).join(lines[: chance.randint(1, 20)])


def _unbroken(chance: random.Random) -> str:
    return chance.choice(
        ["x", "=", "-", "`", "é", "漢", "👍🏽", "🇩🇪", "👩‍👩‍👧‍👦", "https://example.org/"]
    ) * chance.randint(1, 900)


def _rubble(chance: random.Random) -> str:
    return "".join(chance.choice(_SHARDS) for _ in range(chance.randint(1, 60)))


def _blank(chance: random.Random) -> str:
    return chance.choice([" ", "\n", "\t\n ", "\u3000", "\u00a0\n"]) * chance.randint(1, 90)
