"""The operator's settings, read once from the environment and `.env` into one frozen object.

Errors are rendered here rather than by pydantic: all of them at once, one line each, and never with the given value,
because a mistyped secret is still a secret.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot import env_file
from bot.errors import StartupError
from bot.messages.message import plain
from bot.setting_values import (
    Concurrency,
    DatabaseUrl,
    Ids,
    InvalidValue,
    ModelName,
    Patterns,
    Persona,
    Quota,
    Rate,
    Switch,
    build_base_url,
    build_choice,
    build_number,
    build_secret,
    build_text,
    parse_application_id,
)

BAD_CONFIGURATION: Final = 2
DEFAULT_PERSONA: Final = (
    "You are a friendly and helpful assistant in a Discord server. Answer clearly and to the point, in the language "
    "you are asked in. Format with Discord's markdown where it helps."
)
DISCORD_HOSTS: Final = ("discord.com", "discordapp.com")


class Settings(BaseModel):
    """The operator's settings, named as in the environment but in lower case.

    An empty tuple means "not set"; a quota of None means unlimited, any other None "off". Build it with `load`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    discord_token: Annotated[
        SecretStr,
        build_secret(
            "the bot's token from the Discord developer portal, without blanks, quotation marks or `Bot` before it"
        ),
    ] = Field()
    discord_api_base_url: Annotated[
        str,
        build_base_url("a REST base that ends in the version, such as `https://discord.com/api/v10`", r"/v10$"),
    ] = "https://discord.com/api/v10"
    multiappai_api_key: Annotated[
        SecretStr, build_secret("the key alone, without blanks, quotation marks or `Bearer` before it")
    ] = Field()
    multiappai_base_url: Annotated[
        str, build_base_url("an http or https address, such as `https://multiappai-api.itmovnteam.com/v1`")
    ] = "https://multiappai-api.itmovnteam.com/v1"
    multiappai_speech_path: Annotated[
        str, build_text("a path that starts with `/`, such as `/chat/completions`", r"/[A-Za-z0-9._~/-]{1,200}")
    ] = "/chat/completions"
    database_url: DatabaseUrl = "sqlite:///data/bot.db"

    default_chat_model: ModelName = "gpt-4.1"
    default_speech_model: ModelName = "tts-1"
    default_speech_voice: Annotated[str, build_text("a voice's name, such as `alloy`", r"[A-Za-z0-9_.:-]{1,64}")] = (
        "alloy"
    )
    default_image_model: ModelName = "dall-e-3"
    allowed_models: Patterns = ()
    chat_models: Patterns = ()
    speech_models: Patterns = ()
    image_models: Patterns = ()
    default_persona: Persona = DEFAULT_PERSONA

    history_turns: Annotated[int, build_number(0, 200)] = 20
    history_tokens: Annotated[int, build_number(0, 1_000_000)] = 8000
    history_retention_days: Annotated[int, build_number(1, 3650)] = 30

    quota_member_messages_per_day: Quota = 100
    quota_member_speech_characters_per_day: Quota = 10_000
    quota_member_images_per_day: Quota = 10
    quota_server_messages_per_day: Quota = None
    quota_server_tokens_per_day: Quota = 1_000_000
    quota_server_speech_characters_per_day: Quota = 100_000
    quota_server_images_per_day: Quota = 100

    member_rate: Rate = (10, 12)
    member_running: Concurrency = 3
    channel_running: Concurrency = 10

    allowed_guilds: Ids = ()
    allow_dms: Switch = True
    blocked_users: Ids = ()
    message_content: Switch = False

    voice_alone_seconds: Annotated[int, build_number(1, 86_400)] = 60
    voice_idle_seconds: Annotated[int, build_number(1, 86_400)] = 300

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        build_choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", upper=True),
    ] = "INFO"
    log_format: Annotated[Literal["text", "json"], build_choice("text", "json", upper=False)] = "text"

    shutdown_grace_seconds: Annotated[int, build_number(0, 600)] = 7


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, and `warnings`: a sentence about each name that was ignored."""

    settings: Settings
    warnings: tuple[str, ...]


def load(**overrides: Any) -> Settings:  # Any: whatever a test passes is validated like the environment
    """Return the settings, read as by `load_with_warnings`."""
    return load_with_warnings(**overrides).settings


def load_with_warnings(**overrides: Any) -> LoadedSettings:  # Any: as in `load`
    """Return the settings and warnings; the environment takes precedence over `.env`.

    Raises:
        StartupError: something is missing or unusable; its message has a line for each error.
    """
    names = [name.upper() for name in Settings.model_fields]
    file = env_file.read(Path(env_file.FILE), names)
    if not file.readable:
        raise _startup_error(file.errors)
    given = {name.lower(): value for name, value in file.values.items()} | _read_environment() | overrides
    errors: dict[str, str] = {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        errors = dict(_field_errors(error))
        # Rules across fields are checked too, with defaults for unusable fields: one run shows all errors.
        settings = _with_defaults(errors, given)
    for name, text in _rule_errors(settings):
        errors.setdefault(name, text)
    reported = {name for name, _ in file.errors}  # an error of the file is not reported again as not set
    all_errors = file.errors + [(name, text) for name, text in errors.items() if name not in reported]
    if all_errors:
        raise _startup_error(all_errors)
    return LoadedSettings(settings, tuple(_find_warnings(file, names)))


def _startup_error(errors: list[tuple[str, str]]) -> StartupError:
    return StartupError(plain("\n".join(f"{name}: {text}" for name, text in errors)), exit_status=BAD_CONFIGURATION)


def _read_environment() -> dict[str, str]:
    """Return the environment's values by field; an empty one is unset."""
    given = {name.lower(): value for name, value in os.environ.items() if value}
    return {name: given[name] for name in Settings.model_fields if name in given}


def _find_warnings(file: env_file.EnvFile, names: list[str]) -> Iterator[str]:
    if file.ignored:
        yield f"no settings of mine in {env_file.FILE}, so ignored: {', '.join(file.ignored)}"
    # Not refused: other programs share the environment. Compose passes on a typo in `.env` that way.
    for name in os.environ:
        if name.upper() not in names and (closest := env_file.find_nearest(name, names)) is not None:
            yield f"{name} in the environment is no setting, so ignored; {closest} is the nearest"


def _field_errors(error: ValidationError) -> Iterator[tuple[str, str]]:
    for detail in error.errors(include_url=False, include_input=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else "configuration"
        cause = detail.get("ctx", {}).get("error")
        if detail["type"] == "missing":
            yield name, f"is not set: expected {_EXPECTED_SECRETS.get(name, 'a value')}"
        elif isinstance(cause, InvalidValue):
            yield name, f"expected {cause}"
        else:
            yield name, "cannot be used"


_EXPECTED_SECRETS: Final = {
    "DISCORD_TOKEN": "the bot's token from the Discord developer portal",
    "MULTIAPPAI_API_KEY": "the key for the AI service",
}


def _with_defaults(errors: dict[str, str], given: dict[str, Any]) -> Settings:
    """Return the settings with defaults for the unusable ones, to check the rules across fields."""
    values: dict[str, Any] = dict(given)
    for name in errors:
        field = Settings.model_fields.get(name.lower())
        if field is not None:
            values[name.lower()] = SecretStr("unset") if field.is_required() else field.default
    return Settings(**values)


def _rule_errors(settings: Settings) -> Iterator[tuple[str, str]]:
    for rule in _RULES:
        yield from rule(settings)


def _check_model_kinds(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield an error for a model listed for two kinds: it would be offered where it cannot work."""
    seen: dict[str, str] = {}
    for name, patterns in (
        ("CHAT_MODELS", settings.chat_models),
        ("SPEECH_MODELS", settings.speech_models),
        ("IMAGE_MODELS", settings.image_models),
    ):
        for pattern in patterns:
            if seen.setdefault(pattern, name) != name:
                yield name, f"expected only names and patterns that {seen[pattern]} does not list as well"


def _check_history_window(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield an error for history turns without tokens: history would look enabled and be off."""
    if settings.history_turns > 0 and settings.history_tokens == 0:
        yield "HISTORY_TOKENS", "expected at least 1 while HISTORY_TURNS is above 0 (both 0: no memory)"


def _check_discord_token(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield an error for a token that is not a bot token; test servers accept any."""
    host = urlsplit(settings.discord_api_base_url).hostname or ""
    if host.endswith(DISCORD_HOSTS) and parse_application_id(settings.discord_token.get_secret_value()) is None:
        yield (
            "DISCORD_TOKEN",
            "expected a bot token: three parts with dots between them, as the developer portal → Bot → Reset Token "
            "gives it (no client secret, public key or application id)",
        )


def _check_api_key(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield an error for a bot token as the API key: it would be sent to the AI service."""
    if parse_application_id(settings.multiappai_api_key.get_secret_value()) is not None:
        yield "MULTIAPPAI_API_KEY", "expected the key for the AI service; this looks like a bot token of Discord's"


_RULES: Final[tuple[Callable[[Settings], Iterator[tuple[str, str]]], ...]] = (
    _check_discord_token,
    _check_api_key,
    _check_model_kinds,
    _check_history_window,
)
