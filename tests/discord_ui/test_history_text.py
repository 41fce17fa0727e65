"""A page of the history fits a message, whatever was said, and shows it as it was typed."""

import re

import pytest

from bot.discord_ui.lists import shorten
from bot.history.history import PAGE_TURNS
from bot.markdown.splitter import MESSAGE_LIMIT
from bot.messages.render import render
from bot.store.personal_data import PERSONAL_COLUMNS, PersonalRows
from bot.store.turn_reader import TurnPage
from bot.store.turns import Turn
from cogs.history import MAX_TEXT_CHARACTERS as TEXT
from cogs.history import format_page
from cogs.privacy import count_rows

LARGEST = 2**63 - 1


def turn(text: str) -> Turn:
    return Turn(
        id=LARGEST,
        parent_id=None,
        channel_id=LARGEST,
        guild_id=LARGEST,
        author_id=1,
        author_name=text[:32],
        private=False,
        question=text,
        answer=text,
        finish_reason="complete",
        model="gpt-4.1",
        prompt_tokens=1,
        answer_tokens=1,
        tokens_estimated=False,
        question_message_id=LARGEST,
        answer_message_ids=(),
        created_at_ms=4_000_000_000_000,
    )


@pytest.mark.parametrize("text", ["*" * 6000, "word " * 1000, "https://example.com/" + "a_b" * 900, "🌊" * 3000])
def test_a_full_page_fits_a_message(text: str) -> None:
    written = format_page(TurnPage([turn(text)] * PAGE_TURNS, 1000, 100_000))
    assert len(written) <= MESSAGE_LIMIT
    assert written.count("\n> ") == PAGE_TURNS


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("short", "short"),
        ("two\n  lines", "two lines"),
        ("**bold** `code`", "\\*\\*bold\\*\\* \\`code\\`"),
        ("", ""),
        ("x" * TEXT, "x" * TEXT),
        ("x" * (TEXT + 1), "x" * (TEXT - 1) + "…"),
    ],
)
def test_a_text_is_cut_to_one_line_that_shows_its_marks(text: str, written: str) -> None:
    assert shorten(text, TEXT) == written


def test_an_escape_is_never_cut_in_half() -> None:
    assert not re.search(r"(?<!\\)(\\\\)*\\…$", shorten("*" * 500, TEXT))


def test_every_kind_of_row_about_a_member_has_its_words() -> None:
    assert set(PersonalRows) == {column.rows for column in PERSONAL_COLUMNS}
    assert len({render(count_rows(sort, 1)) for sort in PersonalRows}) == len(PersonalRows)
