"""Answers, messages and names as the voice reads them: never stuck, whatever is cut where, and no step too many."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Final
from unittest.mock import patch

from bot.errors import NoSpeakableText
from bot.markdown.lookahead import NoMatch
from bot.speech.chunking import MAX_CHUNK_LENGTH, split_text
from bot.speech.inline_speech import has_words, speakable_text
from bot.speech.markdown_speech import MarkdownSpeech
from bot.speech.message_speech import speakable_message
from bot.speech.pronunciations import Pronunciation
from bot.speech.sentence_stream import SentenceStream

MOST_STEPS_A_CHARACTER: Final = 6
"""Steps of the reader: a marker, the beginning of a line and a word may each be one character long, and the end of a
table comes on top."""

MOST_NAMES: Final = 100
"""Names that are read for one message, at the most: each mention has one."""

TOKENS: Final = (
    *("`", "``", "```", "````", "`x`", "```py\n", "~~~", "\\`", "\\"),
    *("|", "||", "| a | b |\n", "|-|-|\n", "|:--", "\n| ", "\n||"),
    *("*", "**", "_", "~~", "# ", "- ", "-", "1. ", "> ", "-# ", "[ ] ", "---\n", "- - - "),
    *("[", "]", "(", ")", "![", "[a](https://a.example/b) ", '[a](https://a.example "', "[^1]", "【", "】"),
    *("$", "$$", "\\(", "\\)", "\\[", "\\]", "x^2", "\\frac{a}{b}", "{", "}"),
    *("<", ">", "<b>", "</b>", "<a ", "<!--", "-->", "<@1>", "<@&1>", "<#1>", "<t:1>", "</a:1>", "<:a:1>", "@everyone"),
    *("a", "Word", "word. ", "Dr. ", "e.g. ", "! ", "?", "...", ", ", ": ", "。", "，", "你好", "है। ", "“", "”", "🎉"),
    *(" ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", "\u2028", "\u00a0", "\u200d", "\ue040", "\x00", "\ud800"),
    *("https://a.example/", "x" * 150, "a " * 80, " " * 120, "- " * 60),
)


def try_one(random: Random) -> None:
    """Read one text whole and in pieces: the same sentences, each sayable, in a bounded number of steps."""
    text = _text(random)
    whole = _sentences([text])
    assert _sentences(_pieces(text, random)) == whole, "what is said depends on how the text was cut"
    pronunciation = Pronunciation({"word": "sign", "a": "b", "你": "x", "dr.": "doctor"})
    for sentence in whole:
        assert has_words(sentence)
        assert sentence == " ".join(sentence.split())
        assert all(0 < len(piece) <= MAX_CHUNK_LENGTH for piece in split_text(pronunciation.apply(sentence)))
    name = _text(random)[:100]
    with suppress(NoSpeakableText):
        speakable_text(text)
    with suppress(NoSpeakableText), _bounded_steps(MOST_NAMES * len(name) + MOST_NAMES * len(text)):
        asyncio.run(_spoken(text, name))


async def _spoken(text: str, name: str) -> None:
    await speakable_message(text, speaker=name, mentions={"<@1>": name, "<@&1>": name, "<#1>": name})


def _sentences(pieces: list[str]) -> list[str]:
    """Return what is said of a text that comes in pieces."""
    with _bounded_steps(sum(map(len, pieces))):
        sentences = SentenceStream()
        said = [sentence for piece in pieces for sentence in sentences.feed(piece)]
        return said + sentences.finish()


@contextmanager
def _bounded_steps(characters: int) -> Iterator[None]:
    """Fail where the reader takes more steps than so many characters may need."""
    steps, most = 0, MOST_STEPS_A_CHARACTER * characters + 10
    step = MarkdownSpeech._step

    def counted(reader: MarkdownSpeech) -> str | NoMatch:
        nonlocal steps
        steps += 1
        assert steps <= most, "the reader goes on without getting on"
        return step(reader)

    with patch.object(MarkdownSpeech, "_step", counted):
        yield


def _text(random: Random) -> str:
    tokens = random.choices(TOKENS, k=random.choice((2, 4, 8, 20, 60)))
    if random.random() < 0.1:
        tokens *= random.randrange(1, 20)
    return "".join(tokens)


def _pieces(text: str, random: Random) -> list[str]:
    pieces, at = [], 0
    while at < len(text):
        end = at + random.choice((1, 1, 2, 3, 7, 40, 500))
        pieces.append(text[at:end])
        at = end
    return pieces
