"""Which message holds which text."""

import pytest

from bot.markdown.renderer import MarkdownRenderer
from bot.messages import answers
from bot.messages.message import plain
from bot.messages.render import render
from bot.streaming.pages import PROGRESS_MARKER, Page, Pages
from bot.text_work import SLICE_CHARACTERS
from tests.support.markdown_samples import pieces, sample

LINE = "A line of words that is about as long as lines are.\n"


def pages_of(text: str) -> Pages:
    pages = Pages()
    pages.add(text)
    return pages


@pytest.mark.parametrize("text", ["", " ", "\n\n", "```", "```py\n", "> "], ids=repr)
def test_nothing_to_read_shows_nothing_yet(text: str) -> None:
    assert pages_of(text).build_preview() == []


def test_the_sign_of_life_counts_within_the_limit() -> None:
    [page] = pages_of("word " * 400).build_preview()
    assert 1900 < len(page.text) <= 2000
    assert page.text.endswith("word" + PROGRESS_MARKER)


def test_a_text_of_the_limit_stays_one_message() -> None:
    assert pages_of("x" * 2000).build_final() == [Page("x" * 2000)]
    assert len(pages_of("x" * 2001).build_final()) == 2


def test_an_answer_of_five_full_messages_needs_no_file() -> None:
    pages = pages_of("x" * 10_000)
    assert [len(page.text) for page in pages.build_preview()][:4] == [2000] * 4
    assert pages.build_final() == [Page("x" * 2000)] * 5


@pytest.mark.parametrize("looked", [False, True], ids=["not looked at before", "looked at before"])
def test_one_character_more_makes_it_a_file(looked: bool) -> None:
    pages = pages_of("x" * 10_000)
    pages.add("\n" * 80 + "y")
    if looked:
        assert pages.build_preview()[4] == Page(render(answers.continues_in_file()) + PROGRESS_MARKER)
    assert pages.build_final() == [
        *[Page("x" * 2000)] * 4,
        Page(render(answers.whole_in_file()), b"x" * 10_000 + b"\n" * 80 + b"y"),
    ]


def test_a_note_that_does_not_fit_into_five_messages_makes_it_a_file() -> None:
    *_, last = pages_of("x" * 10_000).build_final([plain("The answer was cut off.")])
    assert last == Page(render(answers.whole_in_file()) + "\n-# The answer was cut off.", b"x" * 10_000)


def test_the_file_holds_the_answer_as_it_came() -> None:
    text = "\r\n  " + LINE.replace("\n", "\r\n") * 300
    assert pages_of(text).build_final()[-1].file == text.encode()


def test_an_answer_in_one_piece_is_rendered_slice_by_slice_and_no_further_than_its_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    render_markdown: list[int] = []
    original = MarkdownRenderer.feed

    def counting(self: MarkdownRenderer, text: str) -> list[str]:
        render_markdown.append(len(text))
        return original(self, text)

    monkeypatch.setattr(MarkdownRenderer, "feed", counting)
    pages = pages_of("word " * 20_000)
    assert pages.build_final()[-1] == Page(render(answers.whole_in_file()), b"word " * 20_000)
    assert max(render_markdown) <= SLICE_CHARACTERS
    assert sum(render_markdown) < 15_000


def test_half_a_character_does_not_keep_the_file_from_being_made() -> None:
    assert pages_of("\ud800 " * 6000).build_final()[-1].file == b"? " * 6000


def test_a_lone_fence_is_shown_in_the_end() -> None:
    assert pages_of("```py\n").build_final() == [Page("```py\n```")]


@pytest.mark.parametrize("seed", range(40))
def test_messages_never_go_away_and_full_ones_never_change(seed: int) -> None:
    pages = Pages()
    before: list[Page] = []
    for delta in pieces(sample(seed), seed):
        pages.add(delta)
        now = pages.build_preview()
        assert len(now) >= len(before)
        assert [page for page in now if not page.text.endswith(PROGRESS_MARKER)][: len(before) - 1] == before[:-1]
        assert all(0 < len(page.text) <= 2000 for page in now)
        before = now[:3]  # the fifth turns into a sentence
    assert len(pages.build_final()) >= len(before)


def test_each_note_is_a_line_of_small_print() -> None:
    pages = Pages()
    pages.add("Words.")
    assert [page.text for page in pages.build_final([plain("First."), plain("Second.")])] == [
        "Words.\n-# First.\n-# Second."
    ]
