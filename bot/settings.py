"""What the operator sets, read once from the environment and `.env` into one frozen object.

Faults are rendered here rather than by pydantic: all of them in one go, one line each, and never with the value that
was given, because a mistyped secret is still a secret.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from bot import env_file
from bot.bot_token import application_of
from bot.errors import StartupError
from bot.messages.message import plain

BAD_CONFIGURATION: Final = 2
DEFAULT_PERSONA: Final = (
    "You are a friendly and helpful assistant in a Discord server. Answer clearly and to the point, in the language "
    "you are asked in. Format with Discord's markdown where it helps."
)
DISCORDS_OWN: Final = ("discord.com", "discordapp.com")
UNLIMITED: Final = "unlimited"
OFF: Final = "off"


class _Expected(ValueError):
    """What a setting should look like, in the operator's words."""


def _text(expected: str, pattern: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise _Expected(expected)
        return value

    return AfterValidator(check)


def _secret(expected: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        # A header value with a blank or a line break in it is a paste gone wrong, and so are quotation marks, which
        # `docker run --env-file` and unit files hand on as a part of the value.
        text = value.get_secret_value()
        if not re.fullmatch(r"[!-~]+", text) or _is_quoted(text) or text.lower().startswith("bearer"):
            raise _Expected(expected)
        return value

    return AfterValidator(check)


def _is_quoted(text: str) -> bool:
    """Return whether a value begins or ends with a quotation mark or an angle bracket, of which one may be missing."""
    return bool(text) and (text[0] in _QUOTES + "<" or text[-1] in _QUOTES + ">")


def _persona(value: str) -> str:
    text = value.strip()
    wrapped = len(text) > 1 and text[0] + text[-1] in _PAIRS and not set(text[1:-1]) & {text[0], text[-1]}
    if not text or len(value) > 4000 or wrapped or re.search(_UNPRINTABLE, value):
        raise _Expected("a text of at most 4000 characters, in UTF-8 and without quotation marks around it")
    return value


def _database_url(value: str) -> str:
    name = value.removeprefix("sqlite:///")
    sound = name != value and name.strip() == name and not _is_quoted(name) and not name.startswith((":", "'", '"'))
    if not sound or not re.fullmatch(r"[^?#\n\t]*[^?#\n\t/]", name) or re.search(_UNPRINTABLE, name):
        raise _Expected("`sqlite:///` and a file, such as `sqlite:///data/bot.db`")
    return value


def _base_url(expected: str, path: str = "") -> AfterValidator:
    def check(value: str) -> str:
        if not _is_base(value) or not re.search(path, urlsplit(value.rstrip("/")).path):
            raise _Expected(f"{expected}, without a user's name, `?` or `#` in it")
        return value.rstrip("/")

    return AfterValidator(check)


def _is_base(value: str) -> bool:
    """Return whether paths can be put behind an address: nothing in it but scheme, host, port and path."""
    # Looked at as it stands: `urlsplit` drops line breaks, and an empty `?` or `user@` leaves no trace in its parts.
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


def _number(low: int, high: int) -> BeforeValidator:
    expected = f"a whole number from {low} to {high}"

    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
            value = int(value)
        if not isinstance(value, int) or not low <= value <= high:
            raise _Expected(expected)
        return value

    return BeforeValidator(check)


def _quota(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value.strip().lower() == UNLIMITED:
            return None
        if re.fullmatch(r"[0-9]{1,12}", value.strip()):
            return int(value)
    elif isinstance(value, int) and value >= 0:
        return value
    raise _Expected(f"a whole number, 0 or more, or `{UNLIMITED}`")


def _rate(value: object) -> tuple[int, int] | None:
    if isinstance(value, str):
        if value.strip().lower() == OFF:
            return None
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", value.replace(" ", ""))
        value = (int(found[1]), int(found[2])) if found else None
    elif value is None:
        return None
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, int) and each > 0 for each in value):
        return value
    raise _Expected(f"calls per seconds, such as `10/12`, or `{OFF}`")


def _at_once(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        if value.strip().lower() == OFF:
            return None
        if re.fullmatch(r"[0-9]{1,6}", value.strip()):
            value = int(value)
    if isinstance(value, int) and value > 0:
        return value
    raise _Expected(f"a whole number, 1 or more, or `{OFF}`")


def _ids(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    # A list without an id would open what it was meant to close, so there has to be one.
    ids = [each.strip() for each in str(value).split(",") if each.strip()]
    if not ids or any(not re.fullmatch(r"[1-9][0-9]{0,18}", each) for each in ids):
        raise _Expected("ids, separated by commas: numbers as Discord's `Copy ID` gives them")
    return tuple(int(each) for each in ids)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise _Expected("`true` or `false`")
    return text == "true"


def _patterns(value: object) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, (tuple, list)) else []
    patterns = tuple(name.strip() for name in names if name.strip())
    # As with ids: a list without a name would open what it was meant to close.
    empty = isinstance(value, str) and not patterns
    if empty or any(not re.fullmatch(_MODEL_PATTERN, pattern) for pattern in patterns):
        raise _Expected("model names or patterns, separated by commas, such as `gpt-4.1*,dall-e-3`")
    return patterns


def _choice(*choices: str, upper: bool) -> BeforeValidator:
    def check(value: object) -> object:
        text = value.strip() if isinstance(value, str) else ""
        text = text.upper() if upper else text.lower()
        if text not in choices:
            raise _Expected("one of " + ", ".join(choices))
        return text

    return BeforeValidator(check)


_QUOTES: Final = "\"'`“”„‘’«»"
_PAIRS: Final = ('""', "''", "``", "“”", "„“", "‘’", "«»")
_UNPRINTABLE: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]"
MODEL: Final = r"[A-Za-z0-9._:/@+-]{1,100}"
_MODEL_PATTERN: Final = r"[A-Za-z0-9._:/@+*?\[\]!-]{1,100}"
_MODEL_NAME = _text("a model's name, such as `gpt-4.1`", MODEL)

Quota = Annotated[int | None, BeforeValidator(_quota)]
AtOnce = Annotated[int | None, BeforeValidator(_at_once)]
Ids = Annotated[tuple[int, ...], BeforeValidator(_ids)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_patterns)]


class Settings(BaseModel):
    """The operator's settings, named as in the environment but in lower case.

    An empty tuple means "not set"; a quota of None means unlimited, any other None "off". Build it with `load`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    discord_token: Annotated[
        SecretStr,
        _secret(
            "the bot's token from the Discord developer portal, without blanks, quotation marks or `Bot` before it"
        ),
    ] = Field()
    discord_api_base_url: Annotated[
        str,
        _base_url("a REST base that ends in the version, such as `https://discord.com/api/v10`", r"/v10$"),
    ] = "https://discord.com/api/v10"
    multiappai_api_key: Annotated[
        SecretStr, _secret("the key alone, without blanks, quotation marks or `Bearer` before it")
    ] = Field()
    multiappai_base_url: Annotated[
        str, _base_url("an http or https address, such as `https://multiappai-api.itmovnteam.com/v1`")
    ] = "https://multiappai-api.itmovnteam.com/v1"
    multiappai_speech_path: Annotated[
        str, _text("a path that starts with `/`, such as `/chat/completions`", r"/[A-Za-z0-9._~/-]{1,200}")
    ] = "/chat/completions"
    database_url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///data/bot.db"

    default_chat_model: Annotated[str, _MODEL_NAME] = "gpt-4.1"
    default_speech_model: Annotated[str, _MODEL_NAME] = "tts-1"
    default_speech_voice: Annotated[str, _text("a voice's name, such as `alloy`", r"[A-Za-z0-9_.:-]{1,64}")] = "alloy"
    default_image_model: Annotated[str, _MODEL_NAME] = "dall-e-3"
    allowed_models: Patterns = ()
    chat_models: Patterns = ()
    speech_models: Patterns = ()
    image_models: Patterns = ()
    default_persona: Annotated[str, AfterValidator(_persona)] = DEFAULT_PERSONA

    history_turns: Annotated[int, _number(0, 200)] = 20
    history_tokens: Annotated[int, _number(0, 1_000_000)] = 8000
    history_retention_days: Annotated[int, _number(1, 3650)] = 30

    quota_member_messages_per_day: Quota = 100
    quota_member_speech_characters_per_day: Quota = 10_000
    quota_member_images_per_day: Quota = 10
    quota_server_messages_per_day: Quota = None
    quota_server_tokens_per_day: Quota = 1_000_000
    quota_server_speech_characters_per_day: Quota = 100_000
    quota_server_images_per_day: Quota = 100

    member_rate: Annotated[tuple[int, int] | None, BeforeValidator(_rate)] = (10, 12)
    member_running: AtOnce = 3
    channel_running: AtOnce = 10

    allowed_guilds: Ids = ()
    allow_dms: Annotated[bool, BeforeValidator(_switch)] = True
    blocked_users: Ids = ()
    message_content: Annotated[bool, BeforeValidator(_switch)] = False

    voice_alone_seconds: Annotated[int, _number(1, 86_400)] = 60
    voice_idle_seconds: Annotated[int, _number(1, 86_400)] = 300

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        _choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", upper=True),
    ] = "INFO"
    log_format: Annotated[Literal["text", "json"], _choice("text", "json", upper=False)] = "text"

    shutdown_grace_seconds: Annotated[int, _number(0, 600)] = 7


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and `remarks`: a sentence each about what was left aside while they were read."""

    settings: Settings
    remarks: tuple[str, ...]


def load(**overrides: Any) -> Settings:  # Any: whatever a test passes is validated like the environment
    """Read the settings as `load_with_remarks` does, and return them alone."""
    return load_with_remarks(**overrides).settings


def load_with_remarks(**overrides: Any) -> Loaded:  # Any: as in `load`
    """Read the settings, the environment before `.env`.

    Raises:
        StartupError: something is missing or unusable; its sentence has a line for each fault.
    """
    names = [name.upper() for name in Settings.model_fields]
    file = env_file.read(Path(env_file.FILE), names)
    if not file.readable:
        raise _bad(file.faults)
    given = {name.lower(): value for name, value in file.values.items()} | _environment() | overrides
    faults: dict[str, str] = {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults = dict(_faults_of_fields(error))
        # Rules across fields are looked at as well, with unusable fields at their defaults: one run shows all.
        settings = _with_defaults_for(faults, given)
    for name, text in _faults_across_fields(settings):
        faults.setdefault(name, text)
    told = {name for name, _ in file.faults}  # what the file gets wrong isn't told again as not set
    everything = file.faults + [(name, text) for name, text in faults.items() if name not in told]
    if everything:
        raise _bad(everything)
    return Loaded(settings, tuple(_remarks(file, names)))


def _bad(faults: list[tuple[str, str]]) -> StartupError:
    return StartupError(plain("\n".join(f"{name}: {text}" for name, text in faults)), exit_status=BAD_CONFIGURATION)


def _environment() -> dict[str, str]:
    """Return the environment's values by field; an empty one is unset."""
    given = {name.lower(): value for name, value in os.environ.items() if value}
    return {name: given[name] for name in Settings.model_fields if name in given}


def _remarks(file: env_file.EnvFile, names: list[str]) -> Iterator[str]:
    if file.ignored:
        yield f"no settings of mine in {env_file.FILE}, so ignored: {', '.join(file.ignored)}"
    # Not refused: the environment is everybody's. Compose hands on what is in `.env` that way, slips and all.
    for name in os.environ:
        if name.upper() not in names and (right := env_file.nearest(name, names)) is not None:
            yield f"{name} in the environment is no setting, so ignored; {right} is the nearest"


def _faults_of_fields(error: ValidationError) -> Iterator[tuple[str, str]]:
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]).upper() if fault["loc"] else "configuration"
        cause = fault.get("ctx", {}).get("error")
        if fault["type"] == "missing":
            yield name, f"is not set: expected {_EXPECTED_SECRETS.get(name, 'a value')}"
        elif isinstance(cause, _Expected):
            yield name, f"expected {cause}"
        else:
            yield name, "cannot be used"


_EXPECTED_SECRETS: Final = {
    "DISCORD_TOKEN": "the bot's token from the Discord developer portal",
    "MULTIAPPAI_API_KEY": "the key for the AI service",
}


def _with_defaults_for(faults: dict[str, str], given: dict[str, Any]) -> Settings:
    """Take the settings once more with the unusable ones replaced, only to be looked at as a whole."""
    stand_ins: dict[str, Any] = dict(given)
    for name in faults:
        field = Settings.model_fields.get(name.lower())
        if field is not None:
            stand_ins[name.lower()] = SecretStr("unset") if field.is_required() else field.default
    return Settings(**stand_ins)


def _faults_across_fields(settings: Settings) -> Iterator[tuple[str, str]]:
    for rule in _RULES:
        yield from rule(settings)


def _one_kind_each(settings: Settings) -> Iterator[tuple[str, str]]:
    """A model that is listed for two kinds would be offered where it cannot work."""
    seen: dict[str, str] = {}
    for name, patterns in (
        ("CHAT_MODELS", settings.chat_models),
        ("SPEECH_MODELS", settings.speech_models),
        ("IMAGE_MODELS", settings.image_models),
    ):
        for pattern in patterns:
            if seen.setdefault(pattern, name) != name:
                yield name, f"expected only names and patterns that {seen[pattern]} does not list as well"


def _a_window_or_none(settings: Settings) -> Iterator[tuple[str, str]]:
    """Turns without room for a word, or the other way round, is a memory that looks on and is off."""
    if settings.history_turns > 0 and settings.history_tokens == 0:
        yield "HISTORY_TOKENS", "expected at least 1 while HISTORY_TURNS is above 0 (both 0: no memory)"


def _token_of_a_bot(settings: Settings) -> Iterator[tuple[str, str]]:
    """Discord's tokens have one shape, which the portal's other codes don't have. Test servers' have any."""
    host = urlsplit(settings.discord_api_base_url).hostname or ""
    if host.endswith(DISCORDS_OWN) and application_of(settings.discord_token.get_secret_value()) is None:
        yield (
            "DISCORD_TOKEN",
            "expected a bot token: three parts with dots between them, as the developer portal → Bot → Reset Token "
            "gives it (no client secret, public key or application id)",
        )


def _key_of_the_service(settings: Settings) -> Iterator[tuple[str, str]]:
    """A bot token in the key's place would be sent to the AI service, whoever runs it."""
    if application_of(settings.multiappai_api_key.get_secret_value()) is not None:
        yield "MULTIAPPAI_API_KEY", "expected the key for the AI service; this looks like a bot token of Discord's"


_RULES: Final[tuple[Callable[[Settings], Iterator[tuple[str, str]]], ...]] = (
    _token_of_a_bot,
    _key_of_the_service,
    _one_kind_each,
    _a_window_or_none,
)
