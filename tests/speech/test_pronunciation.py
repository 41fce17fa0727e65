"""Words that are said another way."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.pronunciations import Pronunciation, fold_word


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
