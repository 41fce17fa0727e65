"""Answers as models write them at their best: every kind of block, well formed, with thoughts in between. Seeded."""

import random
from collections.abc import Callable
from typing import Final

SECRET: Final = "qqsecret"
"""In every line of a thought, and nowhere else."""

_WORDS = [
    *(
        "harbour",
        "lantern",
        "winter",
        "bridge",
        "because",
        "river",
        "small",
        "answer",
        "between",
        "garden",
        "and",
        "the",
    ),
    *(
        "of",
        "to",
        "never",
        "light",
        "Übergröße",
        "naïve",
        "москва",
        "你好世界",
        "ありがとう",
        "안녕하세요",
        "3.14",
        "C++",
    ),
]
_EMOJI = ["👍", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "👋🏽"]
_INLINE = [
    *("**bold words**", "*soft*", "~~gone~~", "`a | code`", "`x*y`", "[the docs](https://docs.example/a_b?c=1)"),
    *("[evil.example](https://evil.example/x)", "$x^2 + y_1$", "\\(a + b\\)", "$5 and $10", "H<sub>2</sub>O"),
    *("<b>loud</b>", "see[^1]", "![a picture](https://img.example/p.png)", "&lt;tag&gt;", "https://example.org/$a$"),
    *("<kbd>Ctrl</kbd>", "line<br>broken", "snake_case_word", "**`both`**"),
]
_CELLS = ["**bold**", "`code`", "[link](https://docs.example/x)", "$n^2$", "a<br>b", "~~no~~", "x \\| y", "*it*", "–"]
_CODE = ["| no | table |", "|---|---|", "#### no heading", "x = '$y$'", f"<think>{'kept'}</think>", "for i in x:", ""]


def model_answer(seed: int) -> str:
    """Write an answer of one to about fifteen blocks, and thoughts."""
    chance = random.Random(f"answer {seed}")
    kinds: list[Callable[[random.Random], str]] = [
        _paragraph, _paragraph, _heading, _list, _list, _table, _table, _fence, _quote, _rule, _display, _details,
    ]  # fmt: skip
    blocks = [chance.choice(kinds)(chance) for _ in range(chance.choice([1, 3, 6, 15]))]
    if chance.random() < 0.6:
        blocks.insert(0, _thought(chance))
    for _ in range(chance.choice([0, 0, 1, 2])):
        blocks.insert(chance.randint(0, len(blocks)), _thought(chance))
    if chance.random() < 0.3:
        blocks.append("[^1]: " + _words(chance, 6))
    return chance.choice(["\n\n", "\n\n", "\r\n\r\n"]).join(blocks)


def _words(chance: random.Random, count: int) -> str:
    def word() -> str:
        dice = chance.random()
        return chance.choice(_EMOJI if dice < 0.02 else _INLINE if dice < 0.12 else _WORDS)

    return " ".join(word() for _ in range(count))


def _sentence(chance: random.Random) -> str:
    return _words(chance, chance.randint(4, 20)) + "."


def _paragraph(chance: random.Random) -> str:
    return " ".join(_sentence(chance) for _ in range(chance.choice([1, 2, 4, 12])))


def _heading(chance: random.Random) -> str:
    return "#" * chance.randint(1, 6) + " " + " ".join(chance.choices([*_WORDS, "**bold words**", "`code`"], k=4))


def _list(chance: random.Random) -> str:
    lines, indents = [], [""]
    for number in range(chance.randint(2, 12)):
        keep = len(indents) if number and chance.random() < 0.4 else chance.randint(1, len(indents))
        indents = indents[: min(keep, 4)]
        mark = chance.choice(["-", "*", "1."])
        box = chance.choice(["", "", "[ ] ", "[x] "])
        lines.append(f"{indents[-1]}{mark} {box}{_words(chance, chance.randint(1, 12))}")
        indents.append(indents[-1] + " " * len(mark + " "))
        if chance.random() < 0.1:
            inner = chance.choice([_fence, _table])(chance)
            lines += ["", *(f"{indents[-1]}{line}" for line in inner.split("\n")), ""]
    return "\n".join(lines)


def _table(chance: random.Random) -> str:
    columns = chance.randint(1, 5)
    most = chance.choice([1, 1, 2, 12])

    def cell() -> str:
        if chance.random() < 0.2:
            return chance.choice(_CELLS)
        return " ".join(chance.choices([*_WORDS, *_EMOJI], k=chance.randint(1, most)))

    rows = [[cell() for _ in range(columns)] for _ in range(chance.choice([1, 2, 3, 5, 9, 60]))]
    head = [" ".join(chance.choices(_WORDS, k=chance.randint(1, 2))) for _ in range(columns)]
    delimiter = [chance.choice(["---", ":--", "--:", ":-:", "-" * 20]) for _ in range(columns)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, delimiter, *rows])


def _fence(chance: random.Random) -> str:
    lines = chance.choices([*_CODE, "print(value)", "    indented"], k=chance.choice([1, 4, 9, 50]))
    return "\n".join([f"```{chance.choice(['', 'python', 'md'])}", *lines, "```"])


def _quote(chance: random.Random) -> str:
    inner = chance.choice([_paragraph, _list, _table, _fence])(chance)
    return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))


def _rule(chance: random.Random) -> str:
    return chance.choice(["---", "***", "___", "* * *"])


def _display(chance: random.Random) -> str:
    lines = [r"\int_0^1 x^2 \, dx", r"= \frac{1}{3}"]
    opening, closing = chance.choice([("$$", "$$"), ("\\[", "\\]"), (r"\begin{align}", r"\end{align}")])
    return chance.choice([f"{opening}\n{lines[0]}\n{lines[1]}\n{closing}", f"{opening} {lines[1]} {closing}"])


def _details(chance: random.Random) -> str:
    return f"<details>\n<summary>{_words(chance, 2)}</summary>\n\n{_paragraph(chance)}\n\n</details>"


def _thought(chance: random.Random) -> str:
    opening, closing = chance.choice([("<think>", "</think>"), ("<THINK>", "</Think>"), ("<thinking>", "</thinking>")])
    lines = [f"{SECRET} {_words(chance, 5)} {SECRET}" for _ in range(chance.randint(1, 6))]
    inside = chance.choice(["\n", "\n\n"]).join(lines)
    return chance.choice([f"{opening}\n{inside}\n{closing}", f"{opening}{inside}{closing}"])
