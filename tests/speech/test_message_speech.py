"""A message as it is read out to others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NoSpeakableText
from bot.speech.message_speech import speakable_message
from tests.support.event_loop_turns import count_turns


async def test_who_speaks_is_named_when_it_is_somebody_else() -> None:
    assert await speakable_message("Hello **there**!", speaker="Ada") == "Ada says: Hello there!"
    assert await speakable_message("And again", speaker=None) == "And again"


@pytest.mark.parametrize(
    ("name", "said"),
    [("✨ Ada ✨", "Ada"), ("||Ada|| Lovelace", "Lovelace"), ("🎉🎉", "Someone"), ("Ada\nLovelace", "Ada Lovelace")],
)
async def test_a_name_is_said_as_far_as_it_has_words(name: str, said: str) -> None:
    assert await speakable_message("Hi", speaker=name) == f"{said} says: Hi"


async def test_mentions_are_said_by_their_names_where_these_are_known() -> None:
    names = {"<@42>": "Ben *the* ||Bold||", "<@&7>": "crew", "<#8>": "general-chat", "<@43>": "🎉"}
    text = "<@42>, <@!42>, <@&7> and <@43>: see <#8> or <#9>"
    assert await speakable_message(text, speaker=None, mentions=names) == (
        "Ben the, Ben the, crew and someone: see general-chat or a channel"
    )


async def test_a_long_message_is_cut_where_it_does_least_harm() -> None:
    text = "This sentence is the first one. This sentence is the second one, and it is longer."
    assert await speakable_message(text, speaker=None, max_length=40) == "This sentence is the first one. And so on."
    assert await speakable_message(text, speaker=None, max_length=66) == (
        "This sentence is the first one.\nThis sentence is the second one, and so on."
    )
    assert await speakable_message("word " * 30, speaker=None, max_length=22) == "word word word word, and so on."
    assert await speakable_message("x" * 50, speaker=None, max_length=20) == "x" * 20 + ", and so on."


async def test_code_is_announced_and_what_is_hidden_stays_so() -> None:
    assert await speakable_message("Look\n```py\nx\n```\n||secret|| 🎉", speaker="Ada") == (
        "Ada says: Look\nHere is some code in Python."
    )


@pytest.mark.parametrize("text", ["", "🎉", "https://example.org", "||secret||", "<@42>"])
async def test_what_has_no_words_is_not_read(text: str) -> None:
    with pytest.raises(NoSpeakableText):
        await speakable_message(text, speaker="Ada")


async def test_a_very_long_message_is_only_read_as_far_as_it_is_said() -> None:
    async with count_turns() as turns:
        said = await speakable_message("It goes on and on. " * 50_000, speaker=None)
        assert said.endswith("on. And so on.")
        assert turns() <= 2


async def test_a_name_that_is_mentioned_over_and_over_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reading(name: str) -> str:
        read.append(name)
        return name

    monkeypatch.setattr("bot.speech.message_speech.speakable_name", reading)
    assert await speakable_message("<@1> " * 20, speaker=None, mentions={"<@1>": "Ben"}) == " ".join(["Ben"] * 20)
    assert read == ["Ben"]


@given(st.text(max_size=60), st.text(max_size=20), st.integers(16, 60))
async def test_whatever_is_written_stays_within_bounds(text: str, name: str, longest: int) -> None:
    try:
        said = await speakable_message(f"<@1> {text}", speaker=name, mentions={"<@1>": name}, max_length=longest)
    except NoSpeakableText:
        return
    assert len(said) <= longest + len(" says: ") + 40 + len(", and so on.")
