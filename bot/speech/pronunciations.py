"""The pronunciations of words in a guild: who may change them, what is accepted, and how they are applied."""

import logging
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import InvalidOption, NoSpeakableText
from bot.messages import speech as texts
from bot.speech.inline_speech import has_words, keep_speakable, speakable_text
from bot.store.pronunciations import PronunciationsFull, StoredPronunciation, StoredPronunciations
from bot.text_work import SLICE_CHARACTERS, normalize

logger = logging.getLogger(__name__)

_JOINERS: Final = "\u200c\u200d"
_UNSPACED_SCRIPTS: Final = re.compile(
    "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u309f\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fold_word(word: str) -> str:
    """Return `word` as it is looked up: the same for every case and every way to write its accents."""
    return "".join(map(_fold, normalize("NFC", word)))


class Pronunciation:
    """What is said instead of certain words.

    Args:
        say: by word, as `fold_word` returns it.
    """

    def __init__(self, say: Mapping[str, str]) -> None:
        self._say = say
        self._lengths: dict[str, list[int]] = {}  # of the words that begin with a character, the longest first
        for word in sorted(say, key=len, reverse=True):
            lengths = self._lengths.setdefault(word[0], [])
            if len(word) not in lengths:
                lengths.append(len(word))

    def apply(self, text: str) -> str:
        """Return `text` with its words replaced; of words that begin at the same place the longest."""
        return "".join(self.parts(text))

    def parts(self, text: str) -> Iterator[str]:
        """Yield what `apply` returns in parts: a text without a space is searched for each word at each character."""
        if not self._say:
            yield text
            return
        text = normalize("NFC", text)
        folded_characters = [_fold(character) for character in text]  # "ß" is two characters then
        folded_text = "".join(folded_characters)
        starts = dict(zip(accumulate(map(len, folded_characters), initial=0), range(len(text) + 1), strict=True))
        done = passed = looked = 0
        for begin, at in starts.items():
            if at - looked >= SLICE_CHARACTERS and begin >= passed:
                yield text[done:at]
                done = looked = at
            if begin < passed or begin == len(folded_text):
                continue
            lengths = self._lengths.get(folded_text[begin])
            if lengths is None or (begin and _belong_together(folded_text[begin - 1], folded_text[begin])):
                continue
            for length in lengths:
                end = begin + length
                word = folded_text[begin:end]
                if (
                    word in self._say
                    and end in starts
                    and not (end < len(folded_text) and _belong_together(word[-1], folded_text[end]))
                ):
                    yield text[done:at]
                    yield self._say[word]
                    done, passed = starts[end], end
                    break
        yield text[done:]


def _belong_together(left: str, right: str) -> bool:
    """Return whether two neighbours belong to one word, or to one sign such as "++"."""
    if unicodedata.category(right)[0] == "M" or right in _JOINERS:
        return not left.isspace()
    if _is_word_character(left) and _is_word_character(right):
        return not (_UNSPACED_SCRIPTS.match(left) or _UNSPACED_SCRIPTS.match(right))
    return left == right and not left.isspace()


def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character == "_" or character in _JOINERS


def _fold(character: str) -> str:
    return " " if character.isspace() else character.casefold()


MAX_WORDS: Final = 200
"""In one guild: they are loaded for everything that is said there."""

MAX_WORD_LENGTH: Final = 60
MAX_SAY_LENGTH: Final = 120


@dataclass(frozen=True, slots=True)
class Word:
    """A word and how it is said."""

    word: str
    say: str


class Pronunciations:
    """The pronunciations of all guilds. Every method may raise StoreUnavailable, and has changed nothing then."""

    def __init__(self, stored: StoredPronunciations, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock

    async def get_for_guild(self, guild_id: int | None) -> Pronunciation:
        """Return the pronunciations in a guild; in direct messages every word is said as it is."""
        words = [] if guild_id is None else await self._stored.list_for_guild(guild_id)
        return Pronunciation({each.word_key: each.spoken_as for each in words})

    async def list(self, requester: RequestContext) -> Sequence[Word]:
        """Return the words of the requester's guild, in their order.

        Raises:
            NotInGuild: there is none.
        """
        stored = await self._stored.list_for_guild(requester.require_guild())
        return [Word(each.word, each.spoken_as) for each in stored]

    async def list_removable(self, requester: RequestContext) -> Sequence[str]:
        """Return the words that the requester may remove."""
        if requester.in_direct_message or not requester.can(Permission.MANAGE_SERVER):
            return []
        return [each.word for each in await self.list(requester)]

    async def add(self, requester: RequestContext, word: str, say: str) -> tuple[Word, Word | None]:
        """Set how a word is said; return it, and the same word as it was before if there was one.

        Raises:
            MissingPermission, NotInGuild: the requester may not.
            InvalidOption: there is no word in one of them, one of them is too long, or there are too many.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        wanted = _build_entry(word, say)
        try:
            before = await self._stored.save(
                guild_id, wanted, max_count=MAX_WORDS, by=requester.user_id, at_ms=unix_ms(self._clock.discord_now())
            )
        except PronunciationsFull as full:
            raise InvalidOption("too many words", message=texts.too_many_pronunciations(MAX_WORDS)) from full
        _log("pronunciation added", requester)
        return _build_word(wanted), _build_word(before) if before else None

    async def remove(self, requester: RequestContext, word: str) -> Word | None:
        """Remove a word's pronunciation; return it, or None where there was none.

        Raises:
            MissingPermission, NotInGuild: the requester may not.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        word_key = fold_word(_one_line(word))
        removed = await self._stored.remove(
            guild_id, word_key, by=requester.user_id, at_ms=unix_ms(self._clock.discord_now())
        )
        if removed is None:
            return None
        _log("pronunciation removed", requester)
        return _build_word(removed)


def _build_entry(word: str, say: str) -> StoredPronunciation:
    """Return the entry for a word.

    Raises:
        InvalidOption: the word or the way it is said cannot be used.
    """
    word = _one_line(word)
    if not has_words(word):
        raise InvalidOption("no word", message=texts.pronunciation_without_word())
    if len(word) > MAX_WORD_LENGTH:
        raise InvalidOption("long word", message=texts.pronunciation_word_too_long(len(word), MAX_WORD_LENGTH))
    try:
        say = _one_line(speakable_text(say))
    except NoSpeakableText as nothing:
        raise InvalidOption("nothing to say", message=texts.pronunciation_nothing_to_say()) from nothing
    if len(say) > MAX_SAY_LENGTH:
        raise InvalidOption("long say", message=texts.pronunciation_say_too_long(len(say), MAX_SAY_LENGTH))
    return StoredPronunciation(fold_word(word), word, say)


def _one_line(text: str) -> str:
    return " ".join(normalize("NFC", keep_speakable(text)).split())


def _build_word(stored: StoredPronunciation) -> Word:
    return Word(stored.word, stored.spoken_as)


def _log(event: str, requester: RequestContext) -> None:
    # Not the word: that is something that people wrote.
    logger.info(event, extra={"guild": requester.guild_id, "user": requester.user_id})
