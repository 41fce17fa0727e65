"""How the work of each pure reader grows with its text: in step with the length, whatever the text looks like.

The one place where tests take time: a ratio of CPU times of the same process, never seconds.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from bot.api.reasoning_filter import ReasoningFilter
from bot.conversation.text_files import decode_text
from bot.discord_ui.message_triggers import _without_mention
from bot.errors import NoSpeakableText
from bot.markdown.renderer import MarkdownRenderer, render_markdown
from bot.markdown.splitter import Splitter, split
from bot.speech.chunking import split_text
from bot.speech.inline_speech import speakable_text
from bot.speech.pronunciations import Pronunciation
from bot.speech.sentence_stream import SentenceStream
from bot.text_work import normalize
from tests.support.adversarial_shapes import SHAPES

SHORT, LONG = 16_000, 64_000
MOST_GROWTH = 6.0
ATTEMPTS = 5
LEAST_S = 0.003
"""CPU seconds that a measurement takes at least; a shorter run is repeated as often as that takes."""
SURELY_LINEAR_S = 0.001
"""CPU seconds for the long text (16 ns a character) that no reader stays under whose work grows with the square.

Four billion steps take a second in C too. Below it, the caches of a busy machine change the ratio of two runs.
"""

Reader = Callable[[str], object]


def pieces(text: str, size: int = 64) -> list[str]:
    """Cut `text` as a stream brings it."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def streamed(reader: MarkdownRenderer | Splitter | SentenceStream, text: str) -> None:
    for piece in pieces(text):
        reader.feed(piece)
    reader.finish()


def filtered(*pieces: str) -> None:
    thinking = ReasoningFilter()
    for piece in pieces:
        thinking.feed(piece)
    thinking.close()


def text_file(text: str) -> None:
    decode_text(text.encode("utf-8", "replace"))


def worded(text: str) -> None:
    with suppress(NoSpeakableText):
        speakable_text(text)


PRONUNCIATION = Pronunciation(
    {f"word{number}": "sign" for number in range(50)}
    | {letter * length: "sound" for letter in ("x", "a ", "漢字") for length in range(1, 51)}
)


READERS: dict[str, Reader] = {
    "rendering": render_markdown,
    "rendering, streamed": lambda text: streamed(MarkdownRenderer(), text),
    "pieces of speech": lambda text: split_text(text, 200),
    "pronunciation": PRONUNCIATION.apply,
    "sentences": lambda text: streamed(SentenceStream(), text),
    "wording": worded,
    "mention taken off": lambda text: _without_mention(text, 1),
    "normal form": lambda text: normalize("NFKC", text),
    "splitter": split,
    "splitter, streamed": lambda text: streamed(Splitter(), text),
    "reasoning filter": filtered,
    "reasoning filter, streamed": lambda text: filtered(*pieces(text)),
    "text file": text_file,
}
"""Each takes a whole text. Every reader of what members, models or servers write belongs here."""


def cpu_s(reader: Reader, text: str) -> float:
    """Return the CPU seconds of the fastest of as many runs of `reader` as fill a measurable time."""
    fastest, begun = math.inf, time.process_time()
    while (run_begun := time.process_time()) - begun < LEAST_S:
        reader(text)
        fastest = min(fastest, time.process_time() - run_begun)
    return fastest


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reader", READERS)
def test_work_grows_in_step_with_the_text(reader: str, shape: str) -> None:
    short, long = SHAPES[shape](SHORT), SHAPES[shape](LONG)
    short_s = long_s = math.inf
    for _ in range(ATTEMPTS):
        short_s = min(short_s, cpu_s(READERS[reader], short))
        long_s = min(long_s, cpu_s(READERS[reader], long))
        if long_s <= max(MOST_GROWTH * short_s, SURELY_LINEAR_S):
            return
    assert long_s <= max(MOST_GROWTH * short_s, SURELY_LINEAR_S)
