"""Answers with the tags of hidden reasoning in odd places, cut anywhere."""

from random import Random

from bot.api.reasoning_filter import ReasoningFilter

TOKENS = (
    *(
        "<think>",
        "</think>",
        "<thinking>",
        "</Thinking >",
        "< think >",
        "< / think>",
        "<think",
        "</thin",
        "<t",
        "</",
        "<",
    ),
    *(
        ">",
        "`",
        "``",
        "```",
        "```py\n",
        "~~~",
        "> ",
        "- ",
        "1. ",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        " ",
        "  ",
        "\t",
        "\u3000",
    ),
    *("…", "...", "and", "/", ",", "a", "plan", "Four.", "<b>", "thought>", "\u200d", "\ud800"),
)
LONGEST_RUN = 400
STEPS_PER_CHARACTER = 2


class CountingFilter(ReasoningFilter):
    """A filter that counts its steps."""

    steps = 0

    def _step(self) -> bool:
        self.steps += 1
        return super()._step()


def try_one(random: Random) -> None:
    """Part one answer, whole and in pieces: the same parts, no text lost but tags and white space, bounded steps."""
    text = _text(random)
    whole, _ = _parted([text])
    pieces = _cut(text, random)
    streamed, steps = _parted(pieces)
    assert streamed == whole, (text, pieces)
    assert steps <= STEPS_PER_CHARACTER * len(text) + len(pieces), (text, steps)
    thoughts, words = whole
    assert _is_within(words, text), (text, words)
    assert _is_within(thoughts, text), (text, thoughts)
    if "think" not in text.lower():
        assert (thoughts, words) == ("", text), text
    for letter in ("a", "p", "F", "`", "…", "\ud800"):
        assert (thoughts + words).count(letter) == text.count(letter), (text, letter)


def _parted(pieces: list[str]) -> tuple[tuple[str, str], int]:
    thinking = CountingFilter()
    parts = [*(thinking.feed(piece) for piece in pieces), thinking.close()]
    return ("".join(thoughts for thoughts, _ in parts), "".join(words for _, words in parts)), thinking.steps


def _text(random: Random) -> str:
    chosen = random.sample(TOKENS, random.randrange(2, 10)) if random.random() < 0.5 else TOKENS
    tokens = random.choices(chosen, k=random.randrange(40))
    if tokens and random.random() < 0.05:
        tokens[random.randrange(len(tokens))] *= random.randrange(LONGEST_RUN)
    return "".join(tokens)


def _cut(text: str, random: Random) -> list[str]:
    pieces, at = [], 0
    sizes = random.choice(((1,), (1, 2, 3), (0, 1, 7, 30), (64,)))
    while at < len(text):
        size = random.choice(sizes)
        pieces.append(text[at : at + size])
        at += size
    return pieces


def _is_within(part: str, text: str) -> bool:
    """Whether the characters of `part` stand in `text` in the same order."""
    rest = iter(text)
    return all(character in rest for character in part)
