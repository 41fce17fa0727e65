"""The operator's settings, read once from the environment and `.env` into one frozen object.

Problems are worded in `bot.messages.configuration` rather than by pydantic: all at once, one line each, and never with
the given value, because a mistyped secret is still a secret.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot import env_file
from bot.errors import StartupError
from bot.messages import configuration
from bot.messages.message import Message
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

    discord_token: Annotated[SecretStr, build_secret(configuration.bare_discord_token())] = Field()
    discord_api_base_url: Annotated[str, build_base_url(configuration.discord_base_url(), r"/v10$")] = (
        "https://discord.com/api/v10"
    )
    multiappai_api_key: Annotated[SecretStr, build_secret(configuration.bare_api_key())] = Field()
    multiappai_base_url: Annotated[str, build_base_url(configuration.api_base_url())] = (
        "https://multiappai-api.itmovnteam.com/v1"
    )
    multiappai_speech_path: Annotated[str, build_text(configuration.speech_path(), r"/[A-Za-z0-9._~/-]{1,200}")] = (
        "/chat/completions"
    )
    database_url: DatabaseUrl = "sqlite:///data/bot.db"

    default_chat_model: ModelName = "gpt-4.1"
    default_speech_model: ModelName = "tts-1"
    default_speech_voice: Annotated[str, build_text(configuration.voice(), r"[A-Za-z0-9_.:-]{1,64}")] = "alloy"
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
    warnings: tuple[Message, ...]


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
    errors: dict[str, Message] = {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        errors = dict(_field_errors(error))
        # Rules across fields are checked too, with defaults for unusable fields: one run shows all errors.
        settings = _with_defaults(errors, given)
    for name, problem in _rule_errors(settings):
        errors.setdefault(name, problem)
    reported = {name for name, _ in file.errors}  # an error of the file is not reported again as not set
    all_errors = file.errors + [(name, problem) for name, problem in errors.items() if name not in reported]
    if all_errors:
        raise _startup_error(all_errors)
    return LoadedSettings(settings, tuple(_find_warnings(file, names)))


def _startup_error(errors: list[tuple[str, Message]]) -> StartupError:
    return StartupError(configuration.problems([problem for _, problem in errors]), exit_status=BAD_CONFIGURATION)


def _read_environment() -> dict[str, str]:
    """Return the environment's values by field; an empty one is unset."""
    given = {name.lower(): value for name, value in os.environ.items() if value}
    return {name: given[name] for name in Settings.model_fields if name in given}


def _find_warnings(file: env_file.EnvFile, names: list[str]) -> Iterator[Message]:
    if file.ignored:
        yield configuration.names_ignored(file.ignored)
    # Not refused: other programs share the environment. Compose passes on a typo in `.env` that way.
    for name in os.environ:
        if name.upper() not in names and (closest := env_file.find_nearest(name, names)) is not None:
            yield configuration.similar_name_ignored(name, closest)


def _field_errors(error: ValidationError) -> Iterator[tuple[str, Message]]:
    for detail in error.errors(include_url=False, include_input=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else "configuration"
        cause = detail.get("ctx", {}).get("error")
        if detail["type"] == "missing":
            yield name, configuration.unset(name, _EXPECTED_SECRETS.get(name, configuration.any_value()))
        elif isinstance(cause, InvalidValue):
            yield name, configuration.invalid(name, cause.expected)
        else:
            yield name, configuration.unusable(name)


_EXPECTED_SECRETS: Final = {
    "DISCORD_TOKEN": configuration.discord_token(),
    "MULTIAPPAI_API_KEY": configuration.api_key(),
}


def _with_defaults(errors: Mapping[str, Message], given: dict[str, Any]) -> Settings:
    """Return the settings with defaults for the unusable ones, to check the rules across fields."""
    values: dict[str, Any] = dict(given)
    for name in errors:
        field = Settings.model_fields.get(name.lower())
        if field is not None:
            values[name.lower()] = SecretStr("unset") if field.is_required() else field.default
    return Settings(**values)


def _rule_errors(settings: Settings) -> Iterator[tuple[str, Message]]:
    for rule in _RULES:
        yield from rule(settings)


def _check_model_kinds(settings: Settings) -> Iterator[tuple[str, Message]]:
    """Yield an error for a model listed for two kinds: it would be offered where it cannot work."""
    seen: dict[str, str] = {}
    for name, patterns in (
        ("CHAT_MODELS", settings.chat_models),
        ("SPEECH_MODELS", settings.speech_models),
        ("IMAGE_MODELS", settings.image_models),
    ):
        for pattern in patterns:
            if seen.setdefault(pattern, name) != name:
                yield name, configuration.models_of_two_kinds(name, seen[pattern])


def _check_history_window(settings: Settings) -> Iterator[tuple[str, Message]]:
    """Yield an error for history turns without tokens: history would look enabled and be off."""
    if settings.history_turns > 0 and settings.history_tokens == 0:
        yield "HISTORY_TOKENS", configuration.history_without_tokens()


def _check_discord_token(settings: Settings) -> Iterator[tuple[str, Message]]:
    """Yield an error for a token that is not a bot token; test servers accept any."""
    host = urlsplit(settings.discord_api_base_url).hostname or ""
    if host.endswith(DISCORD_HOSTS) and parse_application_id(settings.discord_token.get_secret_value()) is None:
        yield "DISCORD_TOKEN", configuration.no_bot_token()


def _check_api_key(settings: Settings) -> Iterator[tuple[str, Message]]:
    """Yield an error for a bot token as the API key: it would be sent to the AI service."""
    if parse_application_id(settings.multiappai_api_key.get_secret_value()) is not None:
        yield "MULTIAPPAI_API_KEY", configuration.bot_token_as_api_key()


_RULES: Final[tuple[Callable[[Settings], Iterator[tuple[str, Message]]], ...]] = (
    _check_discord_token,
    _check_api_key,
    _check_model_kinds,
    _check_history_window,
)
