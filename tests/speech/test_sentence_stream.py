"""What is said of an answer, sentence by sentence, while it is being written."""

import re
from collections.abc import Callable
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NoSpeakableText
from bot.speech.inline_speech import has_words
from bot.speech.markdown_speech import MarkdownSpeech
from bot.speech.sentence_stream import SentenceStream, TooLongToSpeak, speakable_markdown
from bot.text_work import SLICE_CHARACTERS
from tests.support.event_loop_turns import count_turns
from tests.support.markdown_samples import pieces, sample


def cut(text: str, deltas: Callable[[], int] = lambda: 10**6) -> list[str]:
    """Feed `text` in pieces of so many characters."""
    sentences, said, at = SentenceStream(), [], 0
    while at < len(text):
        end = at + deltas()
        said += sentences.feed(text[at:end])
        at = end
    return said + sentences.finish()


def words(text: str) -> str:
    """All of it in one line."""
    return " ".join(cut(text))


def test_sentences_come_as_soon_as_they_are_complete() -> None:
    sentences = SentenceStream()
    assert sentences.feed("Hello there") == []
    assert sentences.feed("! How are you today, ") == ["Hello there!"]
    assert sentences.feed("my friend?") == []
    assert sentences.feed(" ") == ["How are you today, my friend?"]
    assert sentences.feed("I have been thinking of you") == []
    assert sentences.feed(".\n") == ["I have been thinking of you."]
    assert sentences.finish() == []


def test_an_abbreviation_is_waited_for_and_not_longer_than_a_word() -> None:
    sentences = SentenceStream()
    assert sentences.feed("It was seen by Dr. ") == []
    assert sentences.feed("Smith of the U.S. ") == []
    assert sentences.feed("Navy at noon. ") == ["It was seen by Dr. Smith of the U.S. Navy at noon."]


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith measured 3.14 and Prof. Jones 2.71 of them.",
        "It works, e.g. on Mondays, i.e. rarely.",
        "He lives in the U.S. near St. Paul.",
        "See README.md and node.js v18.2.1 at example.org for more.",
        "J. R. R. Tolkien wrote it at 5 p.m. on a Monday.",
        "“Stop!” he said, and nobody did.",
        "Das ist bzw. war z. B. gut.",
        "Mr. and Mrs. Jones vs. the rest.",
        "It costs $3.5M, or 1,000.50 €.",
        "Wait... what is that?",
        "Это т. е. хорошо и т.д. вообще.",
    ],
)
def test_a_dot_within_a_sentence_does_not_end_it(sentence: str) -> None:
    following = "Then there was another one to be heard."
    assert cut(f"{sentence} {following}") == [sentence, following]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "这是第一个很长的句子，有一些词。今天的天气真的很好！我们去公园吧？",
            ["这是第一个很长的句子，有一些词。", "今天的天气真的很好！", "我们去公园吧？"],
        ),
        ("यह पहला वाक्य है जो लंबा है। यह दूसरा वाक्य है जो लंबा है।", ["यह पहला वाक्य है जो लंबा है।", "यह दूसरा वाक्य है जो लंबा है।"]),
        (
            "هل هذا سؤال طويل بما يكفي؟ نعم، هذا جواب طويل بما يكفي.",
            ["هل هذا سؤال طويل بما يكفي؟", "نعم، هذا جواب طويل بما يكفي."],
        ),
        ("Είναι αυτή μια ερώτηση; Ναι, είναι μια ερώτηση.", ["Είναι αυτή μια ερώτηση;", "Ναι, είναι μια ερώτηση."]),
    ],
    ids=["Chinese", "Hindi", "Arabic", "Greek"],
)
def test_every_script_has_its_stops(text: str, said: list[str]) -> None:
    assert cut(text) == said


def test_a_chinese_sentence_needs_no_white_space_to_be_complete() -> None:
    assert SentenceStream().feed("你好，世界。今") == ["你好，世界。"]


def test_short_sentences_come_together_but_the_first_does_not_wait() -> None:
    assert cut("Yes. No. Maybe. Let me think about that for a while.") == [
        "Yes.",
        "No. Maybe. Let me think about that for a while.",
    ]
    assert cut("# Milk\n- Eggs\n- Bread\n- Two pounds of the flour you like") == [
        "Milk",
        "Eggs. Bread. Two pounds of the flour you like",
    ]


def test_a_long_first_sentence_begins_at_a_pause() -> None:
    begun = "When you look at the sky on a clear day, the light of the sun is scattered by the air in every direction "
    sentences = SentenceStream()
    assert sentences.feed(begun) == []
    assert sentences.feed("while you are looking ") == ["When you look at the sky on a clear day,"]


def test_a_sentence_without_end_or_pause_is_cut_between_words() -> None:
    said = cut("word " * 400)
    assert max(map(len, said)) <= 700
    assert " ".join(said) == ("word " * 400).strip()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Some **bold**, *slanted*, ~~gone~~ and `code. Here`.", "Some bold, slanted, gone and code. Here."),
        ("## What now?\nFirst ask.", "What now? First ask."),
        ("> A wise man said\n> nothing at all.", "A wise man said nothing at all."),
        ("1. Boil water.\n2. Drink it.", "1. Boil water. 2. Drink it."),
        ("- [ ] wash\n- [x] dry", "wash dry"),
        ("One.\n\n---\n\nTwo.\n\n* * *\n\nThree.", "One. Two. Three."),
        ('[The docs. All](https://x.org/a "A title. Really") or https://x.org/b.c?d.', "The docs. All or a link."),
        ("![A cat. On a mat.](https://x.org/cat.png) is here.", "A cat. On a mat. is here."),
        ("https://x.org", ""),
        ("Well done! 🎉👩‍👩‍👧 <:party:123> Next 1️⃣ is easy ✅.", "Well done! Next 1 is easy."),
        ("Ask <@42> in <#7> or @everyone.", "Ask someone in a channel or everyone."),
        ("From A -> B.", "From A to B."),
        ("Water is H<sub>2</sub>O.<br>Really.<!-- not. this -->", "Water is H2O. Really."),
        ("It says so[^1]. Or so【4:0†source】.\n\n[^1]: There.", "It says so. Or so. There."),
        (r"Not \*bold\* and not \`code\`.", "Not *bold* and not `code`."),
        (
            "A line goes on\nin the next one. Dear Ada,\nThank you.",
            "A line goes on in the next one. Dear Ada, Thank you.",
        ),
        ("Energy is $E = mc^2$, and lunch was $5 or $10.", "Energy is E equals m c squared, and lunch was $5 or $10."),
        ("So\n\n$$\n\\frac{a}{b}\n$$\n\nand \\(x_1\\) and \\[\\foo\\]", "So a over b. and x sub 1 and a formula"),
        ("Your $HOME and $PATH.", "Your $HOME and $PATH."),
    ],
)
def test_marks_are_said_as_a_person_would(written: str, said: str) -> None:
    assert words(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Look:\n```python\nprint('a. b')\n\n# ||x||\n```\nNice.", "Look: Here is some code in Python. Nice."),
        ("```\nno language\n```", "Here is some code."),
        ("- item:\n  ```sh\n  ls\n  ```\n- next", "item: Here is some code for the command line. next"),
        ("````md\n```js\nx\n```\n````\nDone.", "Here is some code in Markdown. Done."),
        ("~~~c++\nx\n~~~\nDone.", "Here is some code in C++. Done."),
        ("Try ```pip install it``` now.", "Try pip install it now."),
        ("Mid ```js\ncode\ncode``` after it.", "Mid Here is some code in Javascript. after it."),
        ("```py\nnever. closed", "Here is some code in Python."),
        ("> ```rust\n> x\n> ```\n> So.", "Here is some code in Rust. So."),
    ],
    ids=["block", "plain", "in a list", "nested", "tildes", "in a line", "mid-line", "open", "quoted"],
)
def test_code_is_announced_and_not_read(written: str, said: str) -> None:
    assert words(written).replace("JavaScript", "Javascript") == said


def test_a_table_is_told_row_by_row() -> None:
    rows = "| **Ada** | 36 |\n| `a|b` | 7. Or so |\n| | 9 |\n| ||Ben|| | 8 |\n"
    table = f"Ages:\n\n| Name | Age |\n|:---|---:|\n{rows}That's all."
    assert words(table) == (
        "Ages: Here is a table. Name: Ada; Age: 36. Name: a|b; Age: 7. Or so. Age: 9. Age: 8. That's all."
    )
    rows = "".join(f"| row {number} | {number} |\n" for number in range(15))
    assert words(f"| a | b |\n|-|-|\n{rows}").endswith("a: row 9; b: 9. And 5 more rows.")
    assert words("| not a table |\nbut text") == "not a table, but text"


@pytest.mark.parametrize(
    "written",
    [
        "He was ||SECRET|| there.",
        "He was ||SECRET. Really. SECRET!|| there.",
        "He was ||SECRET\n\n- SECRET\n\n```\nSECRET\n```\n|| there.",
        "||SECRET|| **||SECRET||** - ||SECRET||",
        "[||SECRET||](https://x.org) there",
        "`` ` `` then ||SECRET `x` SECRET|| there",
        "| a | b |\n|---|---|\n| ||SECRET|| | x ||SECRET|| |\n| c | ||SECRET||\n||SECRET||",
        "| a | b |\n|---|---|\n| c || SECRET |\n| SECRET || d |",
        "| a || SECRET |\n|---|---|\n| SECRET || d |",
        "$a ||SECRET|| b$ and \\(||SECRET||\\) and \\[ ||SECRET|| \\] and $$||SECRET||$$",
        "<b>||SECRET||</b>",
        "# ||SECRET|| title\n> ||SECRET\n> SECRET|| q",
        "“||SECRET。SECRET||。”是",
    ],
)
def test_what_is_hidden_is_never_heard(written: str) -> None:
    for size in (1, 2, 3, 7, 10**6):
        assert not any("SECRET" in sentence for sentence in cut(written, repeat(size).__next__))


def test_bars_that_hide_nothing_keep_quiet_for_a_message_at_most() -> None:
    sentences = SentenceStream()
    assert sentences.feed("Either a || b. " + "And so on it goes. " * 90) == []
    assert sentences.feed("And so on it goes. " * 30) != []
    assert "b." in words("Either a || b.")


@pytest.mark.parametrize("seed", range(25))
def test_the_same_answer_gives_the_same_sentences_however_it_arrives(seed: int) -> None:
    text = sample(seed, 6_000)
    sentences = SentenceStream()
    said = [sentence for delta in pieces(text, seed) for sentence in sentences.feed(delta)]
    assert said + sentences.finish() == cut(text)


_PIECES = st.sampled_from(
    [
        "**",
        "||",
        "`",
        "```",
        "```py\n",
        "~~~",
        "_",
        "~~",
        "[",
        "](https://x.org)",
        "![",
        "<:a:1>",
        "<@1>",
        "<b>",
        "</say x:1>",
        "\\",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "$",
        "$$",
        "# ",
        "- ",
        "* ",
        "1. ",
        "> ",
        "[x] ",
        "\n",
        "\r\n",
        "\n\n",
        " ",
        "|",
        " | ",
        "|-|-|\n",
        "| a | b |\n",
        "---\n",
        "word",
        "Word",
        "Dr. ",
        "e.g. ",
        "end. ",
        "end! ",
        "“",
        "”",
        ", ",
        "。",
        "，",
        "你好",
        "है। ",
        "؟ ",
        "https://x.org/a.b",
        "🎉",
        "\u200d",
        "<!--",
        "-->",
        "【",
        "】",
        "\ue040",
        ": ",
        "...",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=4), max_size=40), st.data())
def test_whatever_is_written_any_cut_gives_the_same_sayable_sentences(written: list[str], data: st.DataObject) -> None:
    text = "".join(written)
    whole = cut(text)
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    sentences, said, at = SentenceStream(), [], 0
    for end in [*ends, len(text)]:
        said += sentences.feed(text[at:end])
        at = end
    assert said + sentences.finish() == whole
    assert whole == cut(text, lambda: 1)
    for sentence in whole:
        assert has_words(sentence)
        assert sentence == " ".join(sentence.split())
        assert not any("\ue000" <= character <= "\uf8ff" for character in sentence)


_MARKS = [
    "||",
    "||",
    "|",
    "**",
    "_",
    "# ",
    "- ",
    "> ",
    "\n",
    "\n\n",
    " ",
    ". ",
    "! ",
    "。",
    ", ",
    "1. ",
    "$",
    "$$",
    "<b>",
    "<!-- ",
]
_MORE_MARKS = [
    "| a | b |\n",
    "|-|-|\n",
    "| ",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    " -->",
    "【",
    "】",
    "🎉",
    ">",
    "\n| ",
    "\n||",
]


@given(st.lists(st.sampled_from([*_MARKS, *_MORE_MARKS]), max_size=30), st.integers(1, 9))
def test_what_stands_between_two_double_bars_is_never_heard(marks: list[str], size: int) -> None:
    text = "".join(f"{mark}w{number}x " for number, mark in enumerate(marks))
    hidden = set(re.findall(r"w\d+x", " ".join(re.findall(r"\|\|(.+?)\|\|", text, re.DOTALL))))
    assert not hidden & set(re.findall(r"w\d+x", " ".join(cut(text, lambda: size))))


@given(st.lists(st.from_regex(r"[A-Za-zäöüß]{1,12}[.,!?]?", fullmatch=True), min_size=1, max_size=60))
def test_of_plain_prose_every_word_is_said_once_and_in_order(written: list[str]) -> None:
    assert words(" ".join(written)).split() == written


@pytest.mark.parametrize(
    "mark",
    [
        "`",
        "` ",
        "|| ",
        "[ ",
        "[a](",
        "**a ",
        "<b ",
        "</a ",
        "$a ",
        "\\[ ",
        "\\( ",
        "- ",
        "> ",
        "| ",
        "|a|\n|-|\n",
        "a. ",
        "Dr. ",
        "你，",
        "a `b\n",
    ],
)
def test_marks_that_never_end_are_got_through(mark: str) -> None:
    """Anything that looked again from each of these marks to the end would outlast the time a test has."""
    text = "word " + mark * (9_000 // len(mark)) + "!"
    assert cut(text, lambda: 100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello ``` and `x`", "Hello and x"),
        ("``` `b`", "b"),
        ("```python `print`", "python print"),
        ("Use ``` to open a block and `x` for code", "Use to open a block and x for code"),
        ("```\\` a", "` a"),
        ("a ``` $`x$ b", "a $x$ b"),
        ("- ``` `x`", "x"),
        ("> ``` `x`\nmore", "x more"),
        ("````` ``x`` y", "x y"),
        ("a ``` || x\n` y ||\nmore", "a more"),
        ("a ``` <!-- ` --> b", "a b"),
        ("| ``` `x`\nmore", "x more"),
        ("Look: ```py\nx = 1\n```\nso", "Look: Here is some code in Python. so"),
    ],
)
def test_a_run_of_backticks_opens_code_only_where_none_is_behind_it(text: str, said: str) -> None:
    assert words(text) == said
    assert " ".join(cut(text, lambda: 1)) == said


def test_a_step_that_gets_nowhere_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MarkdownSpeech, "_step", lambda self: "")
    assert words("a *b* ``` `c`") == "a *b* ``` `c`"


async def test_a_whole_text_is_said_in_lines() -> None:
    assert await speakable_markdown("# Title\n\nSome text that is longer.\n\n```py\nx\n```") == (
        "Title\nSome text that is longer.\nHere is some code in Python."
    )
    with pytest.raises(NoSpeakableText):
        await speakable_markdown("🎉 ||secret|| https://x.org")


async def test_a_long_text_is_worked_through_with_room_for_others_and_not_beyond_what_is_said() -> None:
    text = "It goes on and on. " * 1_000
    async with count_turns() as turns:
        assert (await speakable_markdown(text)).replace("\n", " ") == text.strip()
        assert turns() >= len(text) // SLICE_CHARACTERS - 1
    async with count_turns() as turns:
        with pytest.raises(TooLongToSpeak):
            await speakable_markdown(text * 1_000)
        assert turns() < 200


@pytest.mark.parametrize(
    "text",
    [
        "|" + "a " * 5_000 + "|\n|-|\n",
        "```" + "a " * 5_000,
        "- " * 5_000 + "a",
        "a" * 20_000,
        "[a](" + "x" * 20_000,
        '[a](x "' + "a " * 5_000,
        "|| " + "a " * 5_000,
        "\\(" * 5_000,
        "。" * 10_000,
    ],
)
def test_no_more_than_some_thousand_characters_are_held_back(text: str) -> None:
    reader, most = MarkdownSpeech(), 0
    for at in range(0, len(text), 100):
        reader.feed(text[at : at + 100])
        most = max(most, len(reader._raw) + reader._unread_length)
    assert most < 6_000
