"""The log: its two forms, and which loggers may say how much."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from bot import logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


def written(level: str, log_format: str) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(level, log_format, stream=stream)
    return stream


def test_a_line_has_its_facts() -> None:
    stream = written("INFO", "text")
    logging.getLogger("bot.somewhere").info("request", extra={"user": 7, "total_ms": 12})
    assert stream.getvalue().endswith("INFO    bot.somewhere: request user=7 total_ms=12\n")


ODD = "zz\n2026-11-30 ERROR   bot.discord_ui: forged\r\x1b[31m\x00\x85\u2028\u2029\u202e\u2066\u200f\ufeff\ud800\x9b"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nothing_that_is_written_begins_a_line_or_moves_the_cursor(log_format: str) -> None:
    stream = written("INFO", log_format)
    try:
        raise ValueError(ODD)
    except ValueError:
        logging.getLogger("bot.somewhere").exception("broke on %s", ODD, extra={"model": ODD, "names": [ODD]})
    shown = stream.getvalue()
    assert all(each.isprintable() for each in shown.split("\n"))
    shown.encode()
    first, *traceback = shown.splitlines()
    assert "zz\\n2026-11-30 ERROR   bot.discord_ui: forged\\r\\u001b[31m\\u0000\\u0085\\u2028\\u2029\\u202e" in first
    assert all(line.startswith("  ") for line in traceback)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_error_is_logged_with_all_that_led_to_it_but_without_its_words(log_format: str) -> None:
    stream, words = written("INFO", log_format), "what somebody " + "wrote"
    try:
        try:
            raise KeyError(words)
        except KeyError as cause:
            raise ExceptionGroup(words, [ValueError(words), OSError(words)]) from cause
    except ExceptionGroup:
        logging.getLogger("bot.somewhere").exception("broke")
    shown = stream.getvalue()
    assert words not in shown
    for part in ("ExceptionGroup", "with ValueError", "with OSError", "caused by KeyError", "test_logs.py", "line "):
        assert part in shown


def test_json_is_one_object_a_line() -> None:
    stream = written("INFO", "json")
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("bot.somewhere").exception("broke", extra={"user": 7})
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["user"], entry["level"]) == ("broke", 7, "ERROR")
    assert entry["traceback"].startswith("ValueError\n")
    assert "test_logs.py" in entry["traceback"]


@pytest.mark.parametrize("library", ["discord.http", "aiosqlite", "asyncio", "aiohttp.client"])
def test_libraries_never_speak_at_debug(library: str) -> None:
    stream = written("DEBUG", "text")
    logging.getLogger(library).debug("what somebody wrote")
    logging.getLogger("bot.somewhere").debug("ours")
    assert "what somebody wrote" not in stream.getvalue()
    assert "ours" in stream.getvalue()


def test_a_higher_level_binds_libraries_too() -> None:
    stream = written("ERROR", "text")
    logging.getLogger("discord").warning("hm")
    logging.getLogger("bot").warning("hm")
    assert stream.getvalue() == ""
