"""Ids in custom ids, which are not to be trusted."""

import pytest

from bot.discord_ui.components import MAX_ID, parse_id


@pytest.mark.parametrize("number", [0, 1, 1_234_567_890_123_456_789, MAX_ID])
def test_an_id_is_read(number: int) -> None:
    assert parse_id(str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1\n", "1_0", "x", "1.0", "\u0661", "\u00b2", "9" * 5000])
def test_what_is_no_id_is_none(text: str) -> None:
    assert parse_id(text) is None


def test_what_no_column_holds_is_none() -> None:
    assert parse_id(str(MAX_ID + 1)) is None
    assert parse_id("9" * 19) is None
