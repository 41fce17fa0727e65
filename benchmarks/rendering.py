"""What it costs to show an answer while it streams: the time per delta, by the answer's length and kind.

Run: python -m benchmarks.rendering

Twice the length should take about twice the time, so the figures of a column should stay alike.
"""

import time
from collections.abc import Iterator

from bot.api.reasoning_filter import ReasoningFilter
from bot.streaming.pages import Pages

DELTA = 4
"""Characters: about one token."""

LENGTHS = (2_000, 4_000, 8_000, 16_000, 32_000)

TABLE = (
    "| Name | Number | Words |\n|---|--:|---|\n"
    + "| row of words | 12345 | **some** `code` and a [link](https://a.example) |\n" * 40
)
KINDS = {
    "prose": "Some words in a sentence, and **more** of them, that goes on. " * 12 + "\n\n",
    "one line": "Some words in a sentence, and **more** of them, that goes on. ",
    "lists": "- an item with `code`, $x^2$ and a [link](https://a.example/path)\n   - [ ] a task below it\n",
    "tables": f"{TABLE}\nAnd then.\n\n",
    "code": "```python\n" + "    total = total + step  # and a remark\n" * 30 + "```\n\n",
    "thoughts": "<think>\n" + "It may be that there is more to it. " * 20 + "</think>\n\nThe answer is short.\n\n",
    "half open": "`$[<b>(![" * 8 + "\n",
}


def deltas(text: str) -> Iterator[str]:
    """Cut `text` as models stream it."""
    return (text[at : at + DELTA] for at in range(0, len(text), DELTA))


def show(text: str) -> float:
    """Show `text` as it comes, looking after each delta; return the seconds it took."""
    began = time.process_time()
    thinking, pages = ReasoningFilter(), Pages()
    for delta in deltas(text):
        pages.add(thinking.feed(delta)[1])
        pages.build_preview()
    pages.add(thinking.close()[1])
    pages.build_final()
    return time.process_time() - began


def main() -> None:
    """Print microseconds of CPU per delta."""
    print("µs per delta", *(f"{length:>8,}" for length in LENGTHS))
    for kind, block in KINDS.items():
        texts = ((block * (length // len(block) + 1))[:length] for length in LENGTHS)
        times = (show(text) / (len(text) / DELTA) * 1_000_000 for text in texts)
        print(f"{kind:>12}", *(f"{each:>8.0f}" for each in times), flush=True)


if __name__ == "__main__":
    main()
