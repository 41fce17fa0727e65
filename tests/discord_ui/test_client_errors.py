"""A handler that fails: the log says where, without the error's own words."""

import logging

import pytest

from bot.client import Bot
from bot.logs import TextFormatter


async def test_a_handler_that_fails_is_logged_without_the_errors_text(caplog: pytest.LogCaptureFixture) -> None:
    bot = Bot.__new__(Bot)
    words = "my secret"
    with caplog.at_level(logging.INFO):
        try:
            raise ValueError(words)
        except ValueError:
            await bot.on_error("on_message", object())
    (record,) = caplog.records
    facts = vars(record)
    assert (record.levelname, facts["event"], facts["error"]) == ("ERROR", "on_message", "ValueError")
    shown = TextFormatter().format(record)
    assert "test_client_errors.py" in shown
    assert words not in shown
