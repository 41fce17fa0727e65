"""The words that a server has said its own way."""

import dataclasses

import pytest

from bot.clock import SystemClock
from bot.context import Permission
from bot.errors import InvalidOption, MissingPermission, NotInGuild
from bot.messages.render import render
from bot.speech.pronunciations import MAX_SAY_LENGTH, MAX_WORD_LENGTH, MAX_WORDS, Pronunciations, Word
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
    assert "200 words" in render(refused.value.message)
    await pronunciations.add(MO, "word7", "y")
    await pronunciations.add(dataclasses.replace(MO, guild_id=8), "another", "x")
