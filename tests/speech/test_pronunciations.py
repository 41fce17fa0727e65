"""The words that a server has said its own way."""

import dataclasses
import unicodedata
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import SystemClock
from bot.context import Permission
from bot.errors import InvalidOption, MissingPermission, NotInGuild
from bot.messages.render import render
from bot.speech.pronunciations import (
    MAX_SAY_LENGTH,
    MAX_WORD_LENGTH,
    MAX_WORDS,
    Pronunciation,
    Pronunciations,
    Word,
    fold_word,
)
from bot.store.database import Database
from bot.store.pronunciations import StoredPronunciations
from tests.support.requests import make_requester

MO = make_requester(1, "Mo", permissions={Permission.MANAGE_SERVER})
ADA = make_requester(2, permissions=frozenset(Permission) - {Permission.MANAGE_SERVER})
IN_PRIVATE = make_requester(1, "Mo", guild_id=None, channel_id=9)


@pytest.fixture
def pronunciations(database: Database) -> Pronunciations:
    return Pronunciations(StoredPronunciations(database), SystemClock())


async def test_a_word_holds_in_its_server_and_nowhere_else(pronunciations: Pronunciations) -> None:
    assert await pronunciations.add(MO, " GIF ", "jiff") == (Word("GIF", "jiff"), None)
    assert (await pronunciations.get_for_guild(7)).apply("a gif") == "a jiff"
    assert (await pronunciations.get_for_guild(8)).apply("a gif") == "a gif"
    assert (await pronunciations.get_for_guild(None)).apply("a gif") == "a gif"


async def test_the_same_word_is_replaced_and_can_be_removed_in_any_case(pronunciations: Pronunciations) -> None:
    await pronunciations.add(MO, "Café", "caffay")
    assert await pronunciations.add(MO, "CAFE\u0301", "coffee") == (Word("CAFÉ", "coffee"), Word("Café", "caffay"))
    assert await pronunciations.list(ADA) == [Word("CAFÉ", "coffee")]
    assert await pronunciations.remove(MO, "café") == Word("CAFÉ", "coffee")
    assert await pronunciations.remove(MO, "café") is None
    assert await pronunciations.list(ADA) == []


async def test_only_who_manages_the_server_may_change_words(pronunciations: Pronunciations) -> None:
    await pronunciations.add(MO, "gif", "jiff")
    refused: Coroutine[Any, Any, object]
    for refused in (pronunciations.add(ADA, "gif", "x"), pronunciations.remove(ADA, "gif")):
        with pytest.raises(MissingPermission):
            await refused
    for refused in (
        pronunciations.add(IN_PRIVATE, "gif", "x"),
        pronunciations.remove(IN_PRIVATE, "gif"),
        pronunciations.list(IN_PRIVATE),
    ):
        with pytest.raises(NotInGuild):
            await refused
    assert await pronunciations.list_removable(MO) == ["gif"]
    assert await pronunciations.list_removable(ADA) == await pronunciations.list_removable(IN_PRIVATE) == []
    assert await pronunciations.list(ADA) == [Word("gif", "jiff")]


@pytest.mark.parametrize(
    ("word", "say", "told"),
    [
        ("→", "to", "`word` needs a letter or a number"),
        ("\u200b", "x", "`word` needs a letter or a number"),
        ("x" * (MAX_WORD_LENGTH + 1), "x", "`word` has 61 characters"),
        ("x", "🎉", "`say` needs something that I can say"),
        ("x", "||secret||", "`say` needs something that I can say"),
        ("x", "y" * (MAX_SAY_LENGTH + 1), "`say` has 121 characters"),
    ],
)
async def test_what_makes_no_sense_is_refused(pronunciations: Pronunciations, word: str, say: str, told: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        await pronunciations.add(MO, word, say)
    assert render(refused.value.message).startswith(told)
    assert await pronunciations.list(MO) == []


async def test_what_is_kept_is_a_line_without_marks(pronunciations: Pronunciations) -> None:
    added, _ = await pronunciations.add(MO, "new\n york\u0007", "**the** <@42>\ncity\ue000")
    assert added == Word("new york", "the someone city")


async def test_a_server_has_so_many_words_and_no_more(pronunciations: Pronunciations) -> None:
    for number in range(MAX_WORDS):
        await pronunciations.add(MO, f"word{number}", "x")
    with pytest.raises(InvalidOption) as refused:
        await pronunciations.add(MO, "another", "x")
    assert "200 pronunciations" in render(refused.value.message)
    await pronunciations.add(MO, "word7", "y")
    await pronunciations.add(dataclasses.replace(MO, guild_id=8), "another", "x")


def said(text: str, **words: str) -> str:
    return Pronunciation({fold_word(word): say for word, say in words.items()}).apply(text)


def said_with(text: str, words: dict[str, str]) -> str:
    return Pronunciation({fold_word(word): say for word, say in words.items()}).apply(text)


def test_whole_words_are_replaced_in_any_case() -> None:
    assert said("A GIF, a gif and Gif's end: gif!", gif="jiff") == "A jiff, a jiff and jiff's end: jiff!"
    assert said("Gifted, agif, gif_x, gif2, ГИФ, gíf", gif="jiff") == "Gifted, agif, gif_x, gif2, ГИФ, gíf"


def test_nothing_is_replaced_twice() -> None:
    assert said("a b", a="b", b="a") == "b a"
    assert said("ada", ada="ada ada") == "ada ada"


def test_the_longest_word_wins_unless_it_goes_on() -> None:
    words = {"new york": "the city", "new": "nu"}
    assert said_with("New York, new\nyork, New Yorker, newer", words) == "the city, the city, nu Yorker, newer"


@pytest.mark.parametrize(
    ("text", "words", "heard"),
    [
        ("STRASSE und Straße", {"straße": "street"}, "street und street"),
        ("Masse, Maß", {"mas": "x", "ma": "y"}, "Masse, Maß"),
        (unicodedata.normalize("NFD", "Café"), {"CAFÉ": "coffee"}, "coffee"),
        ("ΟΔΟΣ οδός", {"οδος": "street"}, "street οδός"),
        ("हिन्दी हिन", {"हिन": "x"}, "हिन्दी x"),
        ("می‌خواهم می", {"می": "x"}, "می‌خواهم x"),
        ("我爱北京，北京！", {"北京": "Beijing"}, "我爱Beijing，Beijing！"),
        ("Ada是谁", {"ada": "Eyda"}, "Eyda是谁"),
        ("アダム アダは", {"アダ": "x"}, "アダム xは"),
        ("에이다는", {"에이다": "Ada"}, "Ada는"),
        ("C++, C+, C and C++11", {"c++": "see plus", "c+": "x", "c": "y"}, "see plus, x, y and see plus11"),
        ("ad-hoc, e-mail", {"hoc": "hock", "e-mail": "mail"}, "ad-hock, mail"),
    ],
)
def test_a_word_is_what_its_script_makes_it(text: str, words: dict[str, str], heard: str) -> None:
    assert said_with(text, words) == unicodedata.normalize("NFC", heard)


@given(
    st.text(st.sampled_from("ab ßéＡ北++\u0301\u200d\nİ") | st.characters(), max_size=60),
    st.text(min_size=1, max_size=4),
)
def test_what_is_not_asked_for_stays(text: str, word: str) -> None:
    heard = said_with(text, {word: "\ue000"})
    assert len(heard) <= len(unicodedata.normalize("NFC", text))
    assert Pronunciation({}).apply(text) == text
    if fold_word(word) not in fold_word(text):
        assert heard == unicodedata.normalize("NFC", text)
    if text == word and not word.isspace():
        assert heard == "\ue000"


def test_a_long_text_with_many_words_is_got_through() -> None:
    words = {f"word{number}": "x" for number in range(200)}
    assert said_with("word1word word199 " * 3_000, words).count("x") == 3_000
