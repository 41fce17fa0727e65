"""What is code and what is text, for everything that reads Markdown: the display, the voice, the reasoning filter.

CommonMark decides, as `markdown-it-py` has it; Discord's own fences are a list of their own.
"""

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.api.reasoning_filter import ReasoningFilter
from bot.markdown.blocks import BlockReader, is_code
from bot.markdown.renderer import render_markdown
from bot.speech.sentence_stream import SentenceStream
from tests.support.markdown_oracle import is_in_code

CODE = {
    "in a fence": "```\n{}",
    "in a fence with a language": "```py\nx = 1\n{}",
    "in a fence of tildes": "~~~\n{}",
    "in a fence of tildes with backticks behind it": "~~~ a `b`\n{}",
    "in a fence that a shorter run does not end": "````\n```\n{}",
    "in a fence that tildes do not end": "```\n~~~\n{}",
    "in a fence that a run with a language does not end": "```md\n```js\n{}",
    "in a fence with spaces before it": "   ```\n{}",
    "in a fence that a run with four spaces before it does not end": "~~~\n    ~~~\n{}",
    "in a fence that a quoted run does not end": "```\n> ```\n{}",
    "in a fence behind blank lines": "```\n\n\n{}",
    "in a fence behind a paragraph": "A line\n```\n{}",
    "in a quoted fence": "> ```\n> {}",
    "in a quoted fence without a space": "> ```\n>{}",
    "in a fence in two quotes": "> > ```\n> > {}",
    "in a fence in a list": "- ```\n  {}",
    "in a fence below an item": "1. An item:\n\n   ```\n   {}",
    "in a fence below an item, indented further": "- An item:\n  ```\n      {}",
    "in a fence in a list in a quote": "> - ```\n>   {}",
    "in a fence behind the end of a quoted one": "> ```\n> x\n```\n{}",
    "in a fence behind the end of a list": "- ```\n  x\n```\n{}",
}
TEXT = {
    "behind a fence": "```\nx\n```\n{}",
    "behind a fence that a longer run ends": "```\nx\n`````\n{}",
    "behind a fence of tildes": "~~~\nx\n~~~\n{}",
    "behind a fence that a run with spaces around it ends": "```\nx\n   ```  \n{}",
    "behind a run with backticks behind it": "``` `x`\n{}",
    "behind a whole span of three backticks": "```x```\n{}",
    "behind two backticks": "``\n{}",
    "behind tildes with four spaces before them": "Words.\n\n    ~~~\n{}",
    "behind tildes in a line": "Words ~~~\n{}",
    "behind a quoted fence": "> ```\n> x\n{}",
    "behind a quoted fence that ends": "> ```\n> x\n> ```\n> {}",
    "behind the fence of the inner of two quotes": "> > ```\n> > x\n> {}",
    "behind a fence in a list": "- ```\n  x\n{}",
    "behind a fence in a list, indented too little": "1. ```\n   x\n  {}",
    "behind a fence below an item": "- An item:\n  ```\n  x\n\n{}",
    "behind a fence below an item that ends": "- An item:\n  ```\n  x\n  ```\n  {}",
    "in the item behind that of a fence": "- ```\n  x\n- {}",
    "behind a fence in a list in a quote": "> - ```\n>   x\n> {}",
}
"""Texts up to the line in question, which goes on with what stands for `{}`."""


def shows_code(text: str) -> bool:
    return "**word**" not in "\n".join(render_markdown(text.replace("{}", "<b>word</b>")))


def says_code(text: str) -> bool:
    sentences = SentenceStream()
    return "word" not in " ".join([*sentences.feed(text.replace("{}", "word")), *sentences.finish()])


def keeps_code(text: str) -> bool:
    reasoning = ReasoningFilter()
    parts = [reasoning.feed(text.replace("{}", "<think>word</think>")), reasoning.close()]
    return "word" in "".join(words for _, words in parts)


READERS: dict[str, Callable[[str], bool]] = {"display": shows_code, "voice": says_code, "filter": keeps_code}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", CODE.values(), ids=CODE)
def test_code_is_code_to_every_reader(text: str, reader: str) -> None:
    assert is_in_code(text.replace("{}", "word"), "word")
    assert READERS[reader](text)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", TEXT.values(), ids=TEXT)
def test_text_is_text_to_every_reader(text: str, reader: str) -> None:
    assert not is_in_code(text.replace("{}", "word"), "word")
    assert not READERS[reader](text)


PREFIXES = st.lists(st.sampled_from(["> ", ">", "- ", "1. ", "  ", "   ", "     "]), max_size=3).map("".join)
LINES = st.builds("{}{}".format, PREFIXES, st.sampled_from(["```", "~~~", "````", "```py", "~~~ `x`", "", "text"]))


@pytest.mark.parametrize("reader", READERS)
@settings(deadline=None)
@given(st.lists(LINES, max_size=8), PREFIXES)
def test_any_lines_are_code_to_a_reader_where_they_are_in_a_fence(reader: str, lines: list[str], prefix: str) -> None:
    assume(not has_fence_of_discord(lines))
    text = "\n".join([*lines, f"{prefix}{{}}"])
    assert READERS[reader](text) == is_in_code(text.replace("{}", "word"), "word", kinds=("fence",))


def has_fence_of_discord(lines: list[str]) -> bool:
    """Whether Discord sees a fence begin or end in some line, where CommonMark does not."""
    blocks = BlockReader()
    for line in lines:
        was_code = is_code(blocks.state, line)
        blocks.add(line)
        blocks.end_line()
        before, run, _ = line.partition("```")
        if run and (before.strip(" >") if was_code else blocks.state.fence is None):
            return True
    return False


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", ["    ```\n{}", "Words\n    ```\n{}", "- An item:\n\n        ```\n{}"])
def test_a_fence_that_is_indented_too_far_is_one_to_every_reader_as_to_discord(text: str, reader: str) -> None:
    assert not is_in_code(text.replace("{}", "word"), "word")
    assert READERS[reader](text)


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Words ```py\n{}", True),
        ("Words ```py\nx\n```\n{}", False),
        ("> Words ```py\n> x\n> ```\n> {}", False),
        ("- Words ```py\n  x\n     ```\n{}", False),
        ("```\nx```\n{}", False),
        ("```\n``` {}", False),
    ],
)
def test_the_voice_alone_goes_by_discord_where_a_fence_begins_or_ends_in_a_line(text: str, voice: bool) -> None:
    assert says_code(text) == voice
    assert shows_code(text) == keeps_code(text) == is_in_code(text.replace("{}", "word"), "word")
