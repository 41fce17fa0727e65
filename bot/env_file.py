"""The `.env` file: what it sets, and every line of it that can't be meant as it stands.

A line that is dropped in silence starts the bot with a default: everybody served instead of one server, say. So each is
a fault, told with its number and the setting it seems to mean. Its text is never repeated: it may hold a secret.
Values are taken literally; `${NAME}` is not replaced, for a secret may contain it.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream

FILE: Final = ".env"
MAX_FILE_BYTES: Final = 64 * 1024
MAX_EDITS: Final = 2
"""A name that differs from a setting's by so many letters is taken for a slip."""

_NEWLINE: Final = re.compile(r"\r\n|\n|\r")
_PLAIN_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What the file says.

    `values` are by the settings' names, empty ones left out. `faults`: a setting's name or `.env`, and what is wrong.
    `ignored` are names that are nobody's here. `readable`: whether there was any text to look at.
    """

    values: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    readable: bool = True


def read(path: Path, names: Iterable[str]) -> EnvFile:
    """Read the file at `path`; `names` are the settings', in capitals. No file is an empty one."""
    try:
        text = _text(path)
    except _Unusable as error:
        return EnvFile(faults=[(FILE, str(error))], readable=False)
    return _Reading(tuple(names)).read(text)


def find_nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that differs from `name` by at most two letters, if there is one; case is no matter."""
    found = [(distance, each) for each in names if (distance := _distance(name.upper(), each)) is not None]
    return min(found)[1] if found else None


class _Unusable(Exception):
    """The file as a whole can't be used; the text says why."""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        raise _Unusable("is a folder: expected a text file of NAME=value lines, or none") from None
    except OSError as error:
        raise _Unusable(f"cannot be read ({error.strerror}): expected a text file that this user may read") from None
    if len(data) > MAX_FILE_BYTES:
        raise _Unusable(f"is larger than {MAX_FILE_BYTES // 1024} KiB: expected a text file of NAME=value lines")
    if data.startswith(_UTF_16):
        raise _Unusable("cannot be read: expected a text file in UTF-8; this one looks like UTF-16, so save it anew")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unusable(
            f"cannot be read: expected a text file in UTF-8; line {_line(data[: error.start])} is not"
        ) from (None)
    if "\0" in text:
        line = 1 + len(_NEWLINE.findall(text.partition("\0")[0]))
        raise _Unusable(f"cannot be read: expected a text file, but line {line} holds a zero byte")
    return text


def _line(before: bytes) -> int:
    return 1 + len(_NEWLINE.findall(before.decode("utf-8", "replace")))


class _Reading:
    """One pass over the text."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._prefixes = tuple({name.partition("_")[0] + "_" for name in names if "_" in name})
        any_name = "|".join(map(re.escape, names))
        self._swallowed = re.compile(rf"(?im)^\s*(?:export\s+)?(?:{any_name})\s*=")
        self._inside = re.compile(rf"(?i)(?<!\w)(?:{any_name})\s*=")
        self._lines: dict[str, int] = {}
        self._file = EnvFile()

    def read(self, text: str) -> EnvFile:
        for binding in parse_stream(io.StringIO(text, newline="")):
            written = binding.original.string
            start = written[: len(written) - len(written.lstrip())]
            line = binding.original.line + len(_NEWLINE.findall(start))
            if binding.error:
                self._unreadable(line, written.lstrip())
            elif binding.key is not None:
                self._take(line, binding)
        return self._file

    def _take(self, line: int, binding: Binding) -> None:
        key, value = binding.key or "", binding.value
        name = key.upper()
        if value is None:
            self._unreadable(line, key)
        elif self._swallowed.search(_NEWLINE.sub("\n", value).partition("\n")[2]):
            # A closing quotation mark that is missing here was found at a later line's opening one.
            shown, where = (name, f"line {line} of {FILE}") if name in self._names else (FILE, f"line {line}")
            self._fault(shown, f"{where} runs over into other settings: expected a closing quotation mark")
        elif name not in self._names:
            self._foreign(line, key)
        elif self._inside.search(value) and not _is_quoted(binding):
            self._fault(
                name, f"line {line} of {FILE} holds a setting within its value: expected each on a line of its own"
            )
        elif not value:
            pass
        elif name in self._lines:
            self._fault(name, f"is set twice in {FILE}, in lines {self._lines[name]} and {line}: expected once")
        else:
            self._lines[name] = line
            self._file.values[name] = _NEWLINE.sub("\n", value)

    def _unreadable(self, line: int, written: str) -> None:
        """Tell of a line that is no `NAME=value`, by the setting that it begins with or nearly so."""
        first = _NEWLINE.split(written, maxsplit=1)[0]
        head, equals, rest = first.partition("=")
        name = self._meant(head)
        where = f"line {line} of {FILE}" if name else f"line {line}"
        expected = f"expected {name or 'NAME'}=value"
        if equals and rest.strip()[:1] in ("'", '"'):
            expected += ", with a closing quotation mark and nothing but a # remark after it"
        elif not equals:
            expected += ", or # before a remark"
        self._fault(name or FILE, f"{where} can't be read: {expected}")

    def _meant(self, head: str) -> str | None:
        """Return the setting that the start of a line means, if any."""
        for word in re.split(r"\W+", head.upper()):
            if word in self._names:
                return word
        for written in (head.strip().rstrip(":").strip(), *re.split(r"[\s:]+", head.strip(), maxsplit=1)):
            if (name := find_nearest(written, self._names)) is not None:
                return name
        # `BLOCKED_USERS1`: a sign is missing between the two.
        return max((name for name in self._names if head.upper().startswith(name)), key=len, default=None)

    def _foreign(self, line: int, key: str) -> None:
        """Tell a slip in a setting's name from a name that is another program's."""
        plain = _PLAIN_NAME.fullmatch(key) is not None
        right = find_nearest(key, self._names) or self._with_prefix(key) or (None if plain else self._meant(key))
        if right is not None:
            where = f"in line {line} of {FILE}" if plain else f"the name in line {line} of {FILE}"
            self._fault(
                key if plain else right, f"{where} is no setting: expected {right}, which is the nearest, or nothing"
            )
        elif plain:
            self._file.ignored.append(key)
        else:  # whatever it is, it might be a secret in the wrong place
            self._file.ignored.append(f"a name in line {line}")

    def _with_prefix(self, key: str) -> str | None:
        """Return the most similar setting with the same first word, where there is one."""
        upper = key.upper()
        prefix = next((prefix for prefix in self._prefixes if upper.startswith(prefix)), None)
        if prefix is None:
            return None
        alike = [name for name in self._names if name.startswith(prefix)]
        return min(alike, key=lambda name: (not name.startswith(upper), _edits(upper[:64], name)))

    def _fault(self, name: str, text: str) -> None:
        self._file.faults.append((name, text))


def _is_quoted(binding: Binding) -> bool:
    return binding.original.string.partition("=")[2].lstrip()[:1] in ("'", '"')


def _distance(name: str, right: str) -> int | None:
    """Return in how many letters two names differ, or None where it is more than a slip."""
    if abs(len(name) - len(right)) > MAX_EDITS:
        return None
    edits = _edits(name, right)
    return edits if edits <= MAX_EDITS else None


def _edits(one: str, other: str) -> int:
    """Return how many letters have to be put in, taken out or changed to make one text of the other (Levenshtein)."""
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
