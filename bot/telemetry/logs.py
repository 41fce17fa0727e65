"""Where the log goes and what may be in it.

Only our own loggers follow `LOG_LEVEL`. Libraries stay at INFO or above: at DEBUG, discord.py and aiosqlite write whole
payloads and SQL parameters, and so people's words and tokens, into the log.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final, TextIO

OURS: Final = ("bot", "cogs")
TRACEBACK: Final = "traceback"
"""The name of the fact that holds a traceback, for a record that is not to have the error's own words."""

# What a bare LogRecord has; anything else on one came through `extra=`.
_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TextFormatter(logging.Formatter):
    """One readable line a record: time, level, logger, event and its facts.

    Nothing in them can begin a line of its own or move a terminal's cursor.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Render `record`; a traceback follows on lines of its own, which are indented."""
        facts = _facts(record)
        below = self.formatException(record.exc_info) if record.exc_info else str(facts.pop(TRACEBACK, ""))
        told = "".join(f" {name}={value}" for name, value in facts.items())
        line = escaped(f"{_moment(record)} {record.levelname:<7} {record.name}: {record.getMessage()}{told}")
        return line + "".join(f"\n  {escaped(each)}" for each in below.rstrip().split("\n") if each)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Render `record` with its facts as keys of their own."""
        entry: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            entry[TRACEBACK] = self.formatException(record.exc_info)
        return escaped(json.dumps(entry, ensure_ascii=False, default=str))


def escaped(text: str) -> str:
    """Replace what isn't printable (controls, line ends, marks of direction) by escapes, as in JSON."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def without_words(error: BaseException) -> str:
    """Tell of an error and what led to it: kinds and the code's lines. Their words may quote people's."""
    told = f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
    return told if error.__cause__ is None else f"{told}caused by {without_words(error.__cause__)}"


def configure(level: str, log_format: str, *, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error): ours at `level`, libraries at INFO or above."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN}
