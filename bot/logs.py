"""Where the log goes and what may be in it.

Only our own loggers follow `LOG_LEVEL`. Libraries stay at INFO or above: at DEBUG, discord.py and aiosqlite write whole
payloads and SQL parameters, and so people's words and tokens, into the log. Of an error its type and its lines of code
are written, and never its message.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final, TextIO

OURS: Final = ("bot", "cogs")

# What a bare LogRecord has; anything else on one came through `extra=`.
_STANDARD_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name; Any: its types for sys.exc_info()
        """Return the traceback without the errors' messages, which may quote people."""
        _, error, _ = ei
        return "" if error is None else _format_redacted(error)


def _format_redacted(error: BaseException, relation: str = "") -> str:
    """Return an error, its causes and the members of its group: types and lines of code."""
    parts = [f"{relation}{type(error).__name__}\n", *traceback.format_tb(error.__traceback__)]
    if isinstance(error, BaseExceptionGroup):
        parts += [_format_redacted(each, "with ") for each in error.exceptions]
    if error.__cause__ is not None:
        parts.append(_format_redacted(error.__cause__, "caused by "))
    elif error.__context__ is not None and not error.__suppress_context__:
        parts.append(_format_redacted(error.__context__, "while handling "))
    return "".join(parts)


class TextFormatter(_Formatter):
    """One readable line a record: time, level, logger, event and its extra values.

    Nothing in them can begin a line of its own or move a terminal's cursor.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` as a line; a traceback follows on lines of its own, which are indented."""
        extra = _extra(record)
        below = self.formatException(record.exc_info) if record.exc_info else ""
        pairs = "".join(f" {name}={value}" for name, value in extra.items())
        line = escape_unprintable(
            f"{_format_time(record)} {record.levelname:<7} {record.name}: {record.getMessage()}{pairs}"
        )
        return line + "".join(f"\n  {escape_unprintable(each)}" for each in below.rstrip().split("\n") if each)


class JsonFormatter(_Formatter):
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
            entry["traceback"] = self.formatException(record.exc_info)
        return escape_unprintable(json.dumps(entry, ensure_ascii=False, default=str))


def escape_unprintable(text: str) -> str:
    """Return `text` with what isn't printable (controls, line ends, bidi marks) as escapes, as in JSON."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


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
