"""The blocks of a text and the code fence that is open after a line, compared with what markdown-it-py says."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.markdown.blocks import INITIAL_STATE, QUOTE, BlockReader, BlockState, is_code, next_state, read_fence
from tests.support.markdown_oracle import has_open_fence

SHARDS = [
    *("```", "~~~", "````", "`", "> ", ">", "- ", "-\t", "+", "1. ", "2) ", "10. ", "  ", "    ", "\t", "# ", "---"),
    *("===", "***", "a", "x y"),
]
LINES = st.lists(st.lists(st.sampled_from(SHARDS), max_size=6).map("".join), min_size=1, max_size=10)


def place_after(text: str) -> BlockState:
    state = INITIAL_STATE
    for line in text.split("\n"):
        state = next_state(state, line)
    return state


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("```py", "```"),
        ("````\n```\n", "````"),
        ("~~~ text\n```", "~~~"),
        ("   ```\ncode", "```"),
        ("> ```js\n> code", "> ```"),
        ("- ```\n  code", "  ```"),
        ("1. one\n\n   - two\n\n     ```sh\n     ls", "     ```"),
        ("> - ```\n>   code", ">   ```"),
        ("    ```\n    code", "    ```"),
    ],
)
def test_an_open_fence_is_closed_where_it_stands(text: str, closing: str) -> None:
    state = place_after(text)
    assert state.open_fence is not None
    assert state.open_fence.closing == closing
    assert next_state(state, closing).open_fence is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "```\ncode\n```",
        "```code```",
        "text ``` more",
        "> ```\n> code\ntext",
        "- ```\n  code\ntext",
        "``",
        "~~~\n~~~~  ",
    ],
)
def test_no_fence_is_open(text: str) -> None:
    assert place_after(text).open_fence is None


@pytest.mark.parametrize("info", ["py", " c++ ", 'objective-c title="x"', "asp.net", "F#"])
def test_a_fence_is_opened_again_with_its_language(info: str) -> None:
    fence = place_after("> ```" + info).open_fence
    assert fence is not None
    assert fence.reopening == "> ```" + info.split()[0]


@pytest.mark.parametrize("info", ["{.py}", "~~x", "x" * 33])
def test_what_discord_takes_for_no_language_is_left_out(info: str) -> None:
    fence = place_after("~~~ " + info).open_fence
    assert fence is not None
    assert fence.reopening == "~~~"


@settings(deadline=None, max_examples=500)
@given(LINES)
def test_any_lines_leave_open_what_commonmark_leaves_open(lines: list[str]) -> None:
    state = place_after("\n".join(lines))
    assert (state.fence is not None) == has_open_fence("\n".join(lines))


def test_random_lines_leave_open_what_commonmark_leaves_open() -> None:
    for seed in range(3000):
        chance = random.Random(seed)
        lines = ["".join(chance.choices(SHARDS, k=chance.randint(0, 5))) for _ in range(chance.randint(1, 9))]
        state = place_after("\n".join(lines))
        assert (state.fence is not None) == has_open_fence("\n".join(lines)), lines


@settings(deadline=None)
@given(LINES, st.integers(1, 4))
def test_blocks_do_not_depend_on_how_the_text_arrives(lines: list[str], size: int) -> None:
    reader, state = BlockReader(), INITIAL_STATE
    for line in lines:
        for begin in range(0, len(line), size):
            rest = line[begin:]
            assert reader.is_code(rest) == is_code(state, line)
            assert reader.state_after(rest) == next_state(state, line)
            reader.add(line[begin : begin + size])
        before, state = state, next_state(state, line)
        assert reader.end_line() == (None if is_code(before, line) else state.open_fence)
        assert reader.state == state


def test_a_fence_opens_and_closes_in_the_middle_of_a_line_where_that_is_said() -> None:
    reader = BlockReader()
    reader.add("> - Words ```py")
    assert reader.end_line() is None
    fence = read_fence("```py")
    assert fence is not None
    reader.open_fence(fence)
    assert reader.is_code("any line")
    assert reader.state_after("```").open_fence is None
    reader.add("x```")
    reader.close_fence()
    reader.add(" and words")
    assert reader.end_line() is None
    assert reader.state == BlockState(in_paragraph=True)


def test_words_behind_a_fence_that_closes_in_its_line_are_in_its_containers() -> None:
    reader = BlockReader()
    reader.add("> - ```")
    assert reader.end_line() is not None
    reader.close_fence()
    reader.add(" and words")
    reader.end_line()
    assert reader.state == BlockState((QUOTE, 2), in_paragraph=True)
