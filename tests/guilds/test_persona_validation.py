"""Names of personas: what is left of what was typed, and which are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidOption
from bot.guilds.persona_files import MAX_NAME_CHARACTERS, name_key, tidy_name, validate_name


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  The\t Old \n Pirate ", "The Old Pirate"),
        ("Pi\u200brate\u202e", "Pirate"),
        ("a `b`", "a 'b'"),
        ("a\u1fefb", "a'b"),
        ("Cafe\u0301", "Café"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("\x00a\ud83d", "a"),
        ("a \u200b b", "a b"),
        ("<@1> **&** @everyone", "<@1> **&** @everyone"),
    ],
)
def test_a_name_is_tidied(typed: str, shown: str) -> None:
    assert validate_name(typed) == shown


@pytest.mark.parametrize(
    "other",
    ["pirate", " PIRATE", "Pi\u200drate", "Ｐｉｒａｔｅ", "pi\u00adrate"],
    ids=["case", "blanks", "joiner", "wide", "hyphen"],
)
def test_names_that_look_alike_are_the_same(other: str) -> None:
    assert name_key(other) == name_key("Pirate")


def test_names_that_differ_are_not() -> None:
    assert len({name_key(name) for name in ("Pirate", "Pirate 2", "Piráte", "🏴\u200d☠", "🏴")}) == 5
    assert name_key("STRASSE") == name_key("straße")


@pytest.mark.parametrize("typed", ["", "  ", "\u200b", "\u200d", "\u0301", "a" * (MAX_NAME_CHARACTERS + 1)])
def test_what_cannot_be_a_name_is_refused(typed: str) -> None:
    with pytest.raises(InvalidOption):
        validate_name(typed)


@given(st.text(st.characters(), max_size=40))
def test_a_tidied_name_stays_as_it_is_and_fits_between_backticks(typed: str) -> None:
    name = tidy_name(typed)
    assert tidy_name(name) == name
    assert name_key(name) == name_key(typed)
    assert "`" not in name
    assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in name)
