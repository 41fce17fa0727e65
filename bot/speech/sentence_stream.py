"""Cuts an answer into what is said of it, sentence by sentence, while it is being written.

The first sentence comes as soon as it is complete; one that is long in coming is cut at a pause. Later ones that are
very short come together with the next. Where a sentence ends is decided by `sentencex` for the languages of its script.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from sentencex import get_sentence_boundaries

from bot.errors import NoSpeakableText, UserError
from bot.messages import speech as texts
from bot.speech.inline_speech import has_words, restore_protected, strip_substitutes
from bot.speech.markdown_speech import LONGEST_WORD, PAUSE, MarkdownSpeech
from bot.text_work import iterate_slices

_CLOSING_MARKS: Final = "\"'”’»)]}"
_STOPS: Final = ".!?…‽؟۔।॥։።။;\u037e"
_CONTEXT: Final = 1000
"""Characters before a stop that decide whether it ends a sentence."""

_LATIN: Final = ("en", "de", "es", "fr")
_LANGUAGES: Final = (  # by the script of the text before the stop
    (re.compile(r"[\u0370-\u03ff]"), ("el",)),
    (re.compile(r"[\u0400-\u04ff]"), ("ru", "uk")),
    (re.compile(r"[\u0530-\u058f]"), ("hy",)),
)
_SAMPLE_WORDS: Final = ("The", "the")
"""What might come next, where it isn't known yet."""


def can_end(text: str) -> bool:
    """Return whether `text` ends with something that could be a stop."""
    ending = text[-_CONTEXT:].rstrip(_CLOSING_MARKS)
    stops = ending[len(ending.rstrip(_STOPS)) :]
    return bool(stops) and (";" not in stops or _languages(text) == ("el",))


def certainly_ends(text: str) -> bool:
    """Return whether a sentence ends with `text`, which `can_end`, with any word that comes next."""
    return all(_is_boundary(text, word) for word in _SAMPLE_WORDS)


def ends_before(text: str, following: str) -> bool:
    """Return whether a sentence ends with `text`, which `can_end`, now that it is known how the text goes on."""
    in_lower_case = following[:1].islower() and not text[:1].islower()
    if in_lower_case and text.rstrip(_CLOSING_MARKS)[-1:] in ".…":
        return False
    return _is_boundary(text, following)


def _is_boundary(text: str, following: str) -> bool:
    """Return whether a sentence ends between both texts, in all languages that this may be."""
    if following[:1].islower():  # no language has a say in this but those that don't go by it
        return _is_boundary_in("en", text, following)
    return all(_is_boundary_in(language, text, following) for language in _languages(text))


def _is_boundary_in(language: str, text: str, following: str) -> bool:
    text = text[-_CONTEXT:]
    boundaries = get_sentence_boundaries(language, f"{text} {following[:_CONTEXT]}")
    return any(each["end_index"] in (len(text), len(text) + 1) for each in boundaries[:-1])


def _languages(text: str) -> tuple[str, ...]:
    return next((languages for script, languages in _LANGUAGES if script.search(text)), _LATIN)


_SHORT_LENGTH: Final = 24
"""Characters below which a sentence waits for the next: a request for each "Yes." costs time and sounds chopped."""

_LONG_FIRST_LENGTH: Final = 120
_LONG_LENGTH: Final = 280
"""Characters after which a sentence is cut at a pause; the first one sooner, since people wait for it."""

_MAX_LENGTH: Final = 600
"""Characters after which it is cut at any white space."""

MAX_SPOKEN_LENGTH: Final = 40_000
"""Characters that are said of one text: three quarters of an hour, as much as fits into one file of Discord's."""

_CLOSERS: Final = "\"'”’»)\\]}」』】》〉）"
_UNIT: Final = re.compile(
    rf"(?P<pause>\n)|(?P<space>[^\S\n]+)|[^\s。！？｡]*(?P<stop>[。！？｡]+[{_CLOSERS}]*)|[^\s。！？｡]+"
)
_CLAUSE_END: Final = re.compile(rf"[,;:،؛–—][{_CLOSERS}]*\s|[，、；：]")
_STOPPED: Final = re.compile(rf"[.!?…,;:‽؟۔।॥։።။。！？｡，、；：][{_CLOSERS}]*\Z")
_GAP: Final = re.compile(r"\s+([,.;:!?])(?!\S)")
_STOP_BY_SCRIPT: Final = (
    (re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff]\Z"), "。"),
    (re.compile(r"[\u0900-\u0df7]\Z"), "।"),
)


class TooLongToSpeak(UserError):
    """A text is longer than what is read aloud in one go."""

    message = texts.too_long_to_speak()


class SentenceStream:
    """One answer. `feed` and `finish` return the sentences that can be said now, in order; every one has words.

    The same text has the same sentences, however it is divided among the deltas.
    """

    def __init__(self) -> None:
        self._reader = MarkdownSpeech()
        self._text = ""  # the sentence that is being written; it waits as `bot.speech.inline_speech` says
        self._possible_end = 0  # where in it a sentence may have ended, if the next word agrees
        self._short_sentence = ""  # waits for the next sentence
        self._has_spoken = False

    def feed(self, delta: str) -> list[str]:
        """Add the next delta; return the sentences that are complete now."""
        return list(self._split(self._reader.feed(delta)))

    def finish(self) -> list[str]:
        """Return the last sentences: the answer is complete."""
        last = [*self._split([*self._reader.finish(), PAUSE]), self._short_sentence]
        self._short_sentence = ""
        return [sentence for sentence in last if sentence]

    def _split(self, speech: Iterable[str]) -> Iterator[str]:
        for piece in speech:
            for unit in _UNIT.finditer(piece):
                if unit["space"]:
                    yield from self._end_word()
                    self._text += " " if self._text else ""
                elif not unit["pause"]:
                    self._text += unit[0]
                    if len(self._text) >= LONGEST_WORD:  # no white space in sight
                        yield from self._end_sentence(len(self._text))
                if unit["pause"] or unit["stop"]:
                    yield from self._resolve()
                    self._possible_end = 0
                    yield from self._end_sentence(len(self._text))

    def _end_word(self) -> Iterator[str]:
        """Yield the sentence if it ended with the word that is complete now, or with the one before."""
        yield from self._resolve()
        if can_end(self._text):
            if certainly_ends(self._text):
                yield from self._end_sentence(len(self._text))
            else:
                self._possible_end = len(self._text)
        if (end := self._find_pause()) > 0:
            yield from self._end_sentence(end)

    def _resolve(self) -> Iterator[str]:
        """Yield the sentence if it ended at its possible end, now that the next word is there."""
        following = self._text[self._possible_end :].strip()
        if not self._possible_end or not following:
            return
        at, self._possible_end = self._possible_end, 0
        if ends_before(self._text[:at], following):
            yield from self._end_sentence(at)

    def _find_pause(self) -> int:
        """Return where a long sentence can be cut; 0 where it need not or cannot be."""
        limit = _LONG_LENGTH if self._has_spoken else _LONG_FIRST_LENGTH
        if 3 * len(self._text) <= limit:
            return 0
        length = _speech_length(self._text)
        if length <= limit:
            return 0
        early = len(self._text) // 4  # too short a piece would be over before the next one is there
        pauses = [found.end() for found in _CLAUSE_END.finditer(self._text, early)]
        if not pauses and length > _MAX_LENGTH:
            return self._text.rfind(" ") + 1
        return pauses[-1] if pauses else 0

    def _end_sentence(self, at: int) -> Iterator[str]:
        """Yield the sentence up to `at`, if it has words; what follows begins the next one."""
        waiting, rest = self._text[:at], self._text[at:].lstrip()
        self._possible_end = len(rest) if self._possible_end else 0  # it is where the last word ends
        self._text = rest
        if not has_words(strip_substitutes(waiting)):
            return
        sentence = _GAP.sub(r"\1", " ".join(restore_protected(waiting).split())).lstrip(",; ")
        if self._short_sentence:
            sentence = _join(self._short_sentence, sentence)
            self._short_sentence = ""
        if self._has_spoken and _speech_length(sentence) < _SHORT_LENGTH:
            self._short_sentence = sentence
            return
        self._has_spoken = True
        yield sentence


async def speakable_markdown(markdown: str) -> str:
    """Return all that is said of a text that is there already, sentence by sentence in lines.

    Raises:
        NoSpeakableText: nothing of it is a word.
        TooLongToSpeak: it is more than `MAX_SPOKEN_LENGTH` characters.
    """
    spoken = await speakable_beginning(markdown, MAX_SPOKEN_LENGTH)
    if len(spoken) > MAX_SPOKEN_LENGTH:
        raise TooLongToSpeak(f"more than {MAX_SPOKEN_LENGTH} characters")
    return spoken


async def speakable_beginning(markdown: str, characters: int) -> str:
    """Return what `speakable_markdown` does, but stop once that is more than `characters`.

    Raises:
        NoSpeakableText: nothing of it is a word.
    """
    sentences = SentenceStream()
    spoken: list[str] = []
    length = 0
    async for piece in iterate_slices(markdown):
        for sentence in sentences.feed(piece):
            spoken.append(sentence)
            length += len(sentence) + 1
        if length > characters + 1:
            return "\n".join(spoken)
    spoken += sentences.finish()
    if not spoken:
        raise NoSpeakableText
    return "\n".join(spoken)


def _join(first: str, second: str) -> str:
    """Return two sentences as one text, with a stop between them."""
    if not _STOPPED.search(first):
        first += next((stop for script, stop in _STOP_BY_SCRIPT if script.search(first)), ".")
    return first + second if _is_wide(first[-1]) or _is_wide(second[0]) else f"{first} {second}"


def _speech_length(text: str) -> int:
    """Return the number of characters; those that are a syllable or more by themselves count as three."""
    return len(text) if text.isascii() else len(text) + 2 * sum(map(_is_wide, text))


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
