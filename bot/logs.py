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
"""The key that holds a traceback, for a record that must not have the error's message."""

# What a bare LogRecord has; anything else on one came through `extra=`.
_STANDARD_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TextFormatter(logging.Formatter):
    """One readable line a record: time, level, logger, event and its extra values.

    Nothing in them can begin a line of its own or move a terminal's cursor.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` as a line; a traceback follows on lines of its own, which are indented."""
        extra = _extra(record)
        below = self.formatException(record.exc_info) if record.exc_info else str(extra.pop(TRACEBACK, ""))
        pairs = "".join(f" {name}={value}" for name, value in extra.items())
        line = escape_unprintable(
            f"{_format_time(record)} {record.levelname:<7} {record.name}: {record.getMessage()}{pairs}"
        )
        return line + "".join(f"\n  {escape_unprintable(each)}" for each in below.rstrip().split("\n") if each)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` with its extra values as keys of their own."""
        entry: dict[str, object] = {
            "time": _format_time(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry[TRACEBACK] = self.formatException(record.exc_info)
        return escape_unprintable(json.dumps(entry, ensure_ascii=False, default=str))


def escape_unprintable(text: str) -> str:
    """Return `text` with what isn't printable (controls, line ends, bidi marks) as escapes, as in JSON."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def format_redacted_traceback(error: BaseException) -> str:
    """Return an error and its causes: types and lines of code, but not their messages, which may quote people."""
    lines = f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
    return lines if error.__cause__ is None else f"{lines}caused by {format_redacted_traceback(error.__cause__)}"


def configure(level: str, log_format: str, *, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (default: standard error): ours at `level`, libraries at INFO or above."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)


def _format_time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES}
