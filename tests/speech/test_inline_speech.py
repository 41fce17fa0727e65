"""What is said of a text with Discord's mark-up in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NoSpeakableText
from bot.speech.inline_speech import has_words, speakable_text


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world!",
        "Is 2*3*4 = 24, or 2 * 12?",
        "snake_case_names stay",
        "It costs $5, or 5€ – see §3.",
        "Line one\nline two\n\nnew paragraph",
        "Gruß aus Köln, привет, 你好，世界。",
        "fun 🎉 and 👩‍👩‍👧",
        "می‌خواهم",
        "Mail me@example.org",
        "1. first\n2. second",
        "I have -5 [maybe] (or so)",
    ],
)
def test_plain_text_is_said_as_typed(text: str) -> None:
    assert speakable_text(text) == text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("**bold** and *italic* and ***both***", "bold and italic and both"),
        ("__under__ _slanted_ ~~gone~~", "under slanted gone"),
        ("这是**重点**内容", "这是重点内容"),
        ("mid**dle**word", "middleword"),
        ("# Title\n## Part\n-# small", "Title\nPart\nsmall"),
        ("> quoted\n>>> all of it", "quoted\nall of it"),
        ("- one\n  * two\n+ three", "one\ntwo\nthree"),
        ("run `pip install *` now", "run pip install * now"),
        ("```py\nx = a*b*c\n```", "x = a*b*c"),
        ("```plain words```", "plain words"),
        (r"not \*bold\* at all", "not *bold* at all"),
        ("well <:partyParrot:123456> done", "well partyParrot done"),
        ("<a:happy_cat:99> hi", "happy cat hi"),
        ("ask <@42> or <@!42>", "ask someone or someone"),
        ("the <@&7> meet in <#8> at <t:1700000000:R>", "the a group meet in a channel at a time"),
        ("see <id:guide>", "see a channel"),
        ("type </say:12345> first", "type say first"),
        ("wake up @everyone!", "wake up everyone!"),
        ("read [the manual](https://example.org/a_(b)) first", "read the manual first"),
        ('a [**strong** label](<https://x.org> "title") here', "a strong label here"),
        ("see https://example.org/x_y?z=1. Then go", "see a link. Then go"),
        ("(https://example.org) and <https://example.org>", "(a link) and a link"),
        ("he is ||the gardener||, sadly", "he is , sadly"),
        ("look [||the gardener||](https://x.org) there", "look there"),
        ("open https://x.org||the gardener did it|| yes", "open a link yes"),
        ("zero\u200bwidth\u2060 and \x07bell", "zerowidth and bell"),
        ("too     wide\r\n\r\n\r\n\r\nand tall", "too wide\n\nand tall"),
    ],
)
def test_marks_go_and_what_they_mark_stays(typed: str, said: str) -> None:
    assert speakable_text(typed) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t ",
        "...!?",
        "🎉🎉👍🏽",
        "<:partyParrot:123456> <a:x_y:1>",
        "\u200b\u200d\ufeff",
        "\u3164\u3164",
        "||only a secret||",
        "https://example.org",
        "<@42> <#43>",
        "***",
        "``` ```",
        "\ue001\ue100",
    ],
)
def test_without_a_word_there_is_nothing_to_say(text: str) -> None:
    with pytest.raises(NoSpeakableText):
        speakable_text(text)


def test_one_number_is_enough() -> None:
    assert speakable_text("7") == "7"
    assert has_words("½")
    assert not has_words("— … —")


_PIECES_OF_MARKUP = [
    "**",
    "||",
    "`",
    "```",
    "_",
    "~~",
    "[",
    "](https://x.org)",
    "<:a:1>",
    "<@1>",
    "\\",
    "# ",
    "\n",
    " ",
    "word",
]


@given(st.lists(st.sampled_from(_PIECES_OF_MARKUP) | st.text(max_size=5)).map("".join))
def test_whatever_is_typed_says_words_or_nothing_at_all(text: str) -> None:
    try:
        said = speakable_text(text)
    except NoSpeakableText:
        return
    assert has_words(said)
    assert said == said.strip()
    assert not any("\ue000" <= character <= "\uf8ff" for character in said)


@pytest.mark.parametrize(
    "mark",
    ["`", "``", "```", "||", "[", "[a](", "[a](https://x(", "**a", "_a ", "<", "</", "https://.", "\\", " \n", "> "],
)
def test_marks_that_never_end_are_got_through(mark: str) -> None:
    """Anything that looks again from each of these marks to the end would outlast the time a test has."""
    assert has_words(speakable_text("word " + mark * (80_000 // len(mark)) + "!"))
