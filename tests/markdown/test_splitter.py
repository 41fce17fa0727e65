"""Long texts in parts that fit into messages."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.markdown.page_layout import LOOKAHEAD, PageLayout, PartOpening
from bot.markdown.splitter import MESSAGE_LIMIT, Splitter, split
from tests.support.markdown_oracle import has_open_fence, is_only_a_fence, shows_whole
from tests.support.markdown_samples import pieces, sample

FAMILY = "👩‍👩‍👧‍👦"
SHARDS = [
    *("```", "```py", "```\n", "~~~", "````", "> ", "> ```js", "- ", "1. ", "  ", "    ", "\t", "   ```", "# ", "---"),
    *("`", "a", "\n", "\n", "\n\n", "\r\n", "\r", "some words. And more ", "y" * 30, "`" * 25, " " * 50, "\n" * 80),
    *(FAMILY, "🇩🇪", "e\u0301", "<@123456789012345678>", "https://example.org/path"),
]
NASTY = st.lists(st.sampled_from(SHARDS) | st.text(max_size=5), max_size=150).map("".join)


@pytest.mark.parametrize("text", ["", " ", "\r\n\t\n", "\u3000"])
def test_white_space_makes_no_part(text: str) -> None:
    assert split(text) == []


def test_a_short_text_stays_as_it_is() -> None:
    assert split("Hello\r\n\r\n* one\r\n* two\n") == ["Hello\n\n* one\n* two"]


def test_a_limit_without_room_for_fences_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 40"):
        split("text", 39)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a b c d. " * 3 + "\n\n" + "e f g h.\n" + "i j k l m n. " * 5, "a b c d. " * 3),
        ("a b c d. " * 3 + "\n" + "e f g h. i j k l m n. " * 5, "a b c d. " * 3),
        ("alpha beta gamma delta one. Two " + "three " * 10, "alpha beta gamma delta one."),
        ("alpha beta gamma delta one two three", "alpha beta gamma delta one two three"),
        ("alpha beta gamma delta one two three four five", "alpha beta gamma delta one two three"),
        ("x" * 50, "x" * 40),
        ("これは文です。" * 10, "これは文です。" * 5),
    ],
    ids=["paragraph", "line", "sentence", "whole", "word", "anywhere", "sentence without spaces"],
)
def test_a_part_ends_where_a_reader_would_pause(text: str, first: str) -> None:
    assert split(text, 40)[0] == first.strip()


@pytest.mark.parametrize(
    "token",
    [
        "<@123456789012345678>",
        "<:wave:1234567890>",
        "https://example.org/a",
        "`some code here`",
        "[a link](https://a.org/b)",
        '[a](<https://a.org/(b)> "T") (a.org)',
    ],
)
def test_a_token_is_not_cut_when_it_fits_into_the_next_part(token: str) -> None:
    parts = split("one two three four 123456789 " + token + " and more words follow", 44)
    assert any(token in part for part in parts)


@pytest.mark.parametrize("character", [FAMILY, "🇩🇪", "👋🏽", "❤️", "e\u0301", "각"], ids=ascii)
def test_what_people_see_as_one_character_is_not_torn(character: str) -> None:
    parts = split("x" + character * 60, 41)
    assert all(not part.removeprefix("x").replace(character, "") for part in parts)


def test_a_fence_is_closed_and_opened_again_with_its_language() -> None:
    parts = split("```py\n" + "print('hello')\n" * 6 + "```", 60)
    assert parts == ["```py\n" + "print('hello')\n" * 3 + "```"] * 2


def test_code_in_a_list_goes_on_without_the_lists_indentation() -> None:
    parts = split("1. one\n\n   - two\n\n     ```py\n" + "     print(1)\n" * 8 + "     ```\n   - three", 80)
    assert parts[1] == "```py\n" + "print(1)\n" * 5 + "```\n   - three"


def test_a_quoted_fence_goes_on_in_its_quote() -> None:
    parts = split("> ```\n" + "> some code\n" * 6 + "> ```", 64)
    assert parts == ["> ```\n" + "> some code\n" * 4 + "> ```", "> ```\n" + "> some code\n" * 2 + "> ```"]


def test_no_part_ends_with_a_fence_just_opened() -> None:
    parts = split("A line of introduction, and here:\n```\n" + "some code\n" * 3 + "```", 45)
    assert parts[0] == "A line of introduction, and here:"


def test_a_line_of_code_beyond_the_limit_is_cut_inside_its_fence() -> None:
    parts = split("```\n" + "x" * 100 + "\n```", 60)
    assert parts == ["```\n" + "x" * 52 + "\n```", "```\n" + "x" * 48 + "\n```"]


def test_a_window_that_ends_with_a_sentence_is_cut_before_it() -> None:
    text = "  - ~~~~~~~~\n" + "    これは文です。\n" * 8
    assert shows_whole(split(text, 48), text)


def test_a_fence_line_beyond_the_limit_loses_nothing() -> None:
    text = "`" * 5000 + "\ncode\n" + "~~~" + "y" * 5000
    parts = split(text)
    assert all(len(part) <= MESSAGE_LIMIT and not has_open_fence(part) for part in parts)
    assert shows_whole(parts, text)


def test_an_open_fence_at_the_end_is_closed() -> None:
    assert split("Look:\n```py\nprint(1)") == ["Look:\n```py\nprint(1)\n```"]


@settings(deadline=None, max_examples=300)
@given(NASTY, st.integers(40, 160))
@example("> ````````\n>    winter\n>    ````````\n> \n" * 5, 40)
@example("y" * 30 + "\n" + " " * 51 + "> ```js  some words\n" + " " * 50 + "```\n>>" + "y" * 30, 40)
def test_any_text_is_shown_whole_in_parts_that_fit(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < len(part) <= limit and part == part.strip() for part in parts)
    assert not any(has_open_fence(part) for part in parts)
    assert shows_whole(parts, text)


@settings(deadline=None, max_examples=150)
@given(NASTY, st.integers(40, 160), st.lists(st.integers(0, 3000), max_size=30))
def test_parts_do_not_depend_on_how_the_text_arrives(text: str, limit: int, cuts: list[int]) -> None:
    splitter = Splitter(limit)
    edges = [0, *sorted(cuts), max([len(text), *cuts])]
    parts = [part for start, end in pairwise(edges) for part in splitter.feed(text[start:end])]
    assert [*parts, *splitter.finish()] == split(text, limit)


@settings(deadline=None, max_examples=150)
@given(NASTY, st.integers(40, 160), st.integers(30, 160))
def test_a_preview_fits_and_leaves_no_fence_open(text: str, limit: int, room: int) -> None:
    splitter = Splitter(limit)
    splitter.feed(text)
    preview = splitter.preview(min(room, limit))
    assert len(preview) <= room
    assert not has_open_fence(preview)


@pytest.mark.parametrize("hundred", range(10))
def test_random_answers_are_shown_whole(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        text = sample(seed)
        parts = split(text)
        assert all(0 < len(part) <= MESSAGE_LIMIT and part == part.strip() for part in parts), seed
        assert not any(has_open_fence(part) for part in parts), seed
        assert len(parts) == 1 or not any(is_only_a_fence(part) for part in parts), seed
        assert shows_whole(parts, text), seed


@pytest.mark.parametrize("seed", range(40))
def test_streamed_answers_end_up_as_the_whole_would(seed: int) -> None:
    splitter, text = Splitter(), sample(seed)
    parts = [part for delta in pieces(text, seed) for part in splitter.feed(delta)]
    assert [*parts, *splitter.finish()] == split(text)


def test_each_part_is_laid_out_once_however_small_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts: list[int] = []
    original = PageLayout.__init__

    def counting(self: PageLayout, opening: PartOpening, window: str, limit: int) -> None:
        layouts.append(len(window))
        original(self, opening, window, limit)

    monkeypatch.setattr(PageLayout, "__init__", counting)
    splitter, text = Splitter(), "Some words in a sentence. " * 800
    parts = [part for character in text for part in splitter.feed(character)]
    assert len(layouts) == len(parts)
    assert max(layouts) <= MESSAGE_LIMIT + LOOKAHEAD
