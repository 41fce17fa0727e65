"""Validators for the values of settings, one for each kind of value, and the format of a bot token."""

import base64
import binascii
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from bot.messages import configuration
from bot.messages.message import Message

UNLIMITED: Final = "unlimited"
OFF: Final = "off"


_BASE64URL = r"[A-Za-z0-9_-]+"


def parse_application_id(token: str) -> int | None:
    """Return the application's id from the first part of a bot token, or None if it is not a bot token."""
    if not re.fullmatch(rf"{_BASE64URL}={{0,2}}\.{_BASE64URL}\.{_BASE64URL}", token):
        return None
    first = token.partition(".")[0].rstrip("=")
    try:
        text = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(text) if re.fullmatch(r"[0-9]{15,20}", text) else None


class InvalidValue(ValueError):
    """A setting's value is not accepted; `expected` is what would be."""

    def __init__(self, expected: Message) -> None:
        super().__init__(expected.key)
        self.expected = expected


def build_text(expected: Message, pattern: str) -> AfterValidator:
    """Return a validator for a text that matches `pattern`."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise InvalidValue(expected)
        return value

    return AfterValidator(check)


def build_secret(expected: Message) -> AfterValidator:
    """Return a validator for a secret that can be an HTTP header value."""

    def check(value: SecretStr) -> SecretStr:
        # Blanks, line breaks and quotation marks come from wrong pasting: `docker run --env-file` and unit files pass
        # quotation marks on as a part of the value.
        text = value.get_secret_value()
        if not re.fullmatch(r"[!-~]+", text) or _is_quoted(text) or text.lower().startswith("bearer"):
            raise InvalidValue(expected)
        return value

    return AfterValidator(check)


def _is_quoted(text: str) -> bool:
    """Return whether a value begins or ends with a quotation mark or an angle bracket, of which one may be missing."""
    return bool(text) and (text[0] in _QUOTES + "<" or text[-1] in _QUOTES + ">")


def _check_persona(value: str) -> str:
    text = value.strip()
    wrapped = len(text) > 1 and text[0] + text[-1] in _PAIRS and not set(text[1:-1]) & {text[0], text[-1]}
    if not text or len(value) > 4000 or wrapped or re.search(_CONTROL_CHARACTERS, value):
        raise InvalidValue(configuration.persona())
    return value


def _check_database_url(value: str) -> str:
    name = value.removeprefix("sqlite:///")
    is_valid = name != value and name.strip() == name and not _is_quoted(name) and not name.startswith((":", "'", '"'))
    if not is_valid or not re.fullmatch(r"[^?#\n\t]*[^?#\n\t/]", name) or re.search(_CONTROL_CHARACTERS, name):
        raise InvalidValue(configuration.database_url())
    return value


def build_base_url(expected: Message, path: str = "") -> AfterValidator:
    """Return a validator for an http(s) base URL whose path matches the pattern `path`."""

    def check(value: str) -> str:
        if not _is_base_url(value) or not re.search(path, urlsplit(value.rstrip("/")).path):
            raise InvalidValue(expected)
        return value.rstrip("/")

    return AfterValidator(check)


def _is_base_url(value: str) -> bool:
    """Return whether paths can be put behind an address: nothing in it but scheme, host, port and path."""
    # The raw text is checked: `urlsplit` drops line breaks, and an empty `?` or `user@` shows in none of its parts.
    if not re.fullmatch(r"""[^\s\\?#@"'<>`\x00-\x1f\x7f\ud800-\udfff]+""", value):
        return False
    try:
        url = urlsplit(value)
        if url.netloc.endswith(":") or url.port == 0:
            return False
        host = url.hostname or ""
        if ":" not in host:
            host.removesuffix(".").encode("idna")  # no label empty or over 63 letters
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(
        re.fullmatch(r"[\w.-]*\w[\w.-]*|[0-9a-f:.]*:[0-9a-f:.]*(%\w+)?", host)
    )


def build_number(low: int, high: int) -> BeforeValidator:
    """Return a validator for a whole number in a range."""
    expected = configuration.whole_number(low, high)

    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
            value = int(value)
        if not isinstance(value, int) or not low <= value <= high:
            raise InvalidValue(expected)
        return value

    return BeforeValidator(check)


def _parse_quota(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value.strip().lower() == UNLIMITED:
            return None
        if re.fullmatch(r"[0-9]{1,12}", value.strip()):
            return int(value)
    elif isinstance(value, int) and value >= 0:
        return value
    raise InvalidValue(configuration.quota())


def _parse_rate(value: object) -> tuple[int, int] | None:
    if isinstance(value, str):
        if value.strip().lower() == OFF:
            return None
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", value.replace(" ", ""))
        value = (int(found[1]), int(found[2])) if found else None
    elif value is None:
        return None
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, int) and each > 0 for each in value):
        return value
    raise InvalidValue(configuration.rate())


def _parse_concurrency(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value.strip().lower() == OFF:
            return None
        if re.fullmatch(r"[0-9]{1,6}", value.strip()):
            value = int(value)
    if isinstance(value, int) and value > 0:
        return value
    raise InvalidValue(configuration.concurrency())


def _parse_ids(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    # An empty list would allow what it was meant to restrict.
    ids = [each.strip() for each in str(value).split(",") if each.strip()]
    if not ids or any(not re.fullmatch(r"[1-9][0-9]{0,18}", each) for each in ids):
        raise InvalidValue(configuration.ids())
    return tuple(int(each) for each in ids)


def _parse_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise InvalidValue(configuration.switch())
    return text == "true"


def _parse_patterns(value: object) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, (tuple, list)) else []
    patterns = tuple(name.strip() for name in names if name.strip())
    # As with ids, an empty list would allow what it was meant to restrict.
    empty = isinstance(value, str) and not patterns
    if empty or any(not re.fullmatch(_MODEL_PATTERN, pattern) for pattern in patterns):
        raise InvalidValue(configuration.model_patterns())
    return patterns


def build_choice(*choices: str, upper: bool) -> BeforeValidator:
    """Return a validator for one of `choices`, in any case."""

    def check(value: object) -> object:
        text = value.strip() if isinstance(value, str) else ""
        text = text.upper() if upper else text.lower()
        if text not in choices:
            raise InvalidValue(configuration.choice(choices))
        return text

    return BeforeValidator(check)


_QUOTES: Final = "\"'`“”„‘’«»"
_PAIRS: Final = ('""', "''", "``", "“”", "„“", "‘’", "«»")
_CONTROL_CHARACTERS: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]"
MODEL: Final = r"[A-Za-z0-9._:/@+-]{1,100}"
_MODEL_PATTERN: Final = r"[A-Za-z0-9._:/@+*?\[\]!-]{1,100}"
ModelName = Annotated[str, build_text(configuration.model(), MODEL)]

Quota = Annotated[int | None, BeforeValidator(_parse_quota)]
Concurrency = Annotated[int | None, BeforeValidator(_parse_concurrency)]
Ids = Annotated[tuple[int, ...], BeforeValidator(_parse_ids)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_parse_patterns)]
Rate = Annotated[tuple[int, int] | None, BeforeValidator(_parse_rate)]
Switch = Annotated[bool, BeforeValidator(_parse_bool)]
Persona = Annotated[str, AfterValidator(_check_persona)]
DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
