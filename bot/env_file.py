"""The `.env` file: the values in it, and an error for every line that cannot be read.

A line that is silently ignored would start the bot with a default: for everyone instead of one server, say. So each is
an error, with its number and the setting it seems to mean. Its text is never repeated: it may hold a secret. Values are
taken literally; `${NAME}` is not replaced, for a secret may contain it.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream

from bot.messages import configuration
from bot.messages.configuration import LineHint
from bot.messages.message import Message

FILE: Final = ".env"
MAX_FILE_BYTES: Final = 64 * 1024
MAX_EDITS: Final = 2
"""A name that differs from a setting's by at most this many letters is taken for a typo."""

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_PLAIN_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The content of the file.

    `values` are by the settings' names, without empty ones. `errors`: a setting's name or `.env`, and the line that
    says what is wrong. `ignored` are names that are no settings. `readable`: whether the file could be read as text.
    """

    values: dict[str, str] = field(default_factory=dict)
    errors: list[tuple[str, Message]] = field(default_factory=list)
    ignored: list[str | Message] = field(default_factory=list)
    readable: bool = True


def read(path: Path, names: Iterable[str]) -> EnvFile:
    """Return the file at `path`, empty if there is none; `names` are the settings' names in capitals."""
    try:
        text = _read_text(path)
    except _UnusableFile as error:
        return EnvFile(errors=[(FILE, error.problem)], readable=False)
    return _Parser(tuple(names)).read(text)


def find_nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that differs from `name` by at most two letters, or None; case is ignored."""
    found = [
        (distance, candidate)
        for candidate in names
        if (distance := _typo_distance(name.upper(), candidate)) is not None
    ]
    return min(found)[1] if found else None


class _UnusableFile(Exception):
    """The file as a whole cannot be used; `problem` says why."""

    def __init__(self, problem: Message) -> None:
        super().__init__(problem.key)
        self.problem = problem


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        raise _UnusableFile(configuration.file_is_folder()) from None
    except OSError as error:
        raise _UnusableFile(configuration.file_unreadable(error.strerror or type(error).__name__)) from None
    if len(data) > MAX_FILE_BYTES:
        raise _UnusableFile(configuration.file_too_large(MAX_FILE_BYTES // 1024))
    if data.startswith(_UTF_16):
        raise _UnusableFile(configuration.file_in_utf_16())
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnusableFile(configuration.file_not_utf_8(_line_number(data[: error.start]))) from None
    if "\0" in text:
        line = 1 + len(_LINE_END.findall(text.partition("\0")[0]))
        raise _UnusableFile(configuration.zero_byte_in_file(line))
    return text


def _line_number(before: bytes) -> int:
    return 1 + len(_LINE_END.findall(before.decode("utf-8", "replace")))


class _Parser:
    """Parses the text of one file."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._prefixes = tuple({name.partition("_")[0] + "_" for name in names if "_" in name})
        any_name = "|".join(map(re.escape, names))
        self._other_setting = re.compile(rf"(?im)^\s*(?:export\s+)?(?:{any_name})\s*=")
        self._setting_in_value = re.compile(rf"(?i)(?<!\w)(?:{any_name})\s*=")
        self._lines: dict[str, int] = {}
        self._file = EnvFile()

    def read(self, text: str) -> EnvFile:
        for binding in parse_stream(io.StringIO(text, newline="")):
            written = binding.original.string
            start = written[: len(written) - len(written.lstrip())]
            line = binding.original.line + len(_LINE_END.findall(start))
            if binding.error:
                self._add_unreadable(line, written.lstrip())
            elif binding.key is not None:
                self._add(line, binding)
        return self._file

    def _add(self, line: int, binding: Binding) -> None:
        key, value = binding.key or "", binding.value
        name = key.upper()
        if value is None:
            self._add_unreadable(line, key)
        elif self._other_setting.search(_LINE_END.sub("\n", value).partition("\n")[2]):
            # The closing quotation mark is missing: the parser took a later line's opening one.
            if name in self._names:
                self._add_error(name, configuration.unclosed_quotation_of(name, line))
            else:
                self._add_error(FILE, configuration.unclosed_quotation(line))
        elif name not in self._names:
            self._add_unknown(line, key)
        elif self._setting_in_value.search(value) and not _is_quoted(binding):
            self._add_error(name, configuration.setting_in_value(name, line))
        elif not value:
            pass
        elif name in self._lines:
            self._add_error(name, configuration.set_twice(name, self._lines[name], line))
        else:
            self._lines[name] = line
            self._file.values[name] = _LINE_END.sub("\n", value)

    def _add_unreadable(self, line: int, written: str) -> None:
        """Add an error for a line that is not `NAME=value`, with the setting that it seems to mean."""
        first = _LINE_END.split(written, maxsplit=1)[0]
        head, equals, rest = first.partition("=")
        name = self._find_meant_setting(head)
        hint: LineHint = "none"
        if equals and rest.strip()[:1] in ("'", '"'):
            hint = "quotation"
        elif not equals:
            hint = "remark"
        if name:
            self._add_error(name, configuration.unreadable_line_of(name, line, hint))
        else:
            self._add_error(FILE, configuration.unreadable_line(line, hint))

    def _find_meant_setting(self, head: str) -> str | None:
        """Return the setting that the start of a line seems to mean, or None."""
        for word in re.split(r"\W+", head.upper()):
            if word in self._names:
                return word
        for written in (head.strip().rstrip(":").strip(), *re.split(r"[\s:]+", head.strip(), maxsplit=1)):
            if (name := find_nearest(written, self._names)) is not None:
                return name
        # `BLOCKED_USERS1`: the equals sign is missing.
        return max((name for name in self._names if head.upper().startswith(name)), key=len, default=None)

    def _add_unknown(self, line: int, key: str) -> None:
        """Add an error for a typo in a setting's name; ignore names of other programs."""
        plain = _PLAIN_NAME.fullmatch(key) is not None
        closest = (
            find_nearest(key, self._names)
            or self._find_by_prefix(key)
            or (None if plain else self._find_meant_setting(key))
        )
        if closest is not None and plain:
            self._add_error(key, configuration.unknown_name(key, line, closest))
        elif closest is not None:
            self._add_error(closest, configuration.unknown_name_near(closest, line))
        elif plain:
            self._file.ignored.append(key)
        else:  # it might be a secret in the wrong place
            self._file.ignored.append(configuration.name_in_line(line))

    def _find_by_prefix(self, key: str) -> str | None:
        """Return the most similar setting with the same first word, or None."""
        upper = key.upper()
        prefix = next((prefix for prefix in self._prefixes if upper.startswith(prefix)), None)
        if prefix is None:
            return None
        alike = [name for name in self._names if name.startswith(prefix)]
        return min(alike, key=lambda name: (not name.startswith(upper), _edit_distance(upper[:64], name)))

    def _add_error(self, name: str, problem: Message) -> None:
        self._file.errors.append((name, problem))


def _is_quoted(binding: Binding) -> bool:
    return binding.original.string.partition("=")[2].lstrip()[:1] in ("'", '"')


def _typo_distance(name: str, closest: str) -> int | None:
    """Return in how many letters two names differ, or None if it is more than a typo."""
    if abs(len(name) - len(closest)) > MAX_EDITS:
        return None
    edits = _edit_distance(name, closest)
    return edits if edits <= MAX_EDITS else None


def _edit_distance(one: str, other: str) -> int:
    """Return the Levenshtein distance of two texts."""
    *_, last = _rows(one, other)
    return last[-1]


def _rows(one: str, other: str) -> Iterator[list[int]]:
    row = list(range(len(other) + 1))
    yield row
    for index, letter in enumerate(one, 1):
        above, row = row, [index]
        for column, wanted in enumerate(other, 1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != wanted)))
        yield row
