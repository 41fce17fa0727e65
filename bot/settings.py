"""What the operator sets, read once from the environment and `.env` into one frozen object.

Faults are rendered here rather than by pydantic: all of them in one go, one line each, and never with the value that
was given, because a mistyped secret is still a secret.
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
    """The settings, and `warnings`: a sentence each about what was left aside while they were read."""

    settings: Settings
    warnings: tuple[str, ...]


def load(**overrides: Any) -> Settings:  # Any: whatever a test passes is validated like the environment
    """Read the settings as `load_with_warnings` does, and return them alone."""
    return load_with_warnings(**overrides).settings


def load_with_warnings(**overrides: Any) -> LoadedSettings:  # Any: as in `load`
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
    return LoadedSettings(settings, tuple(_find_warnings(file, names)))


def _bad(faults: list[tuple[str, str]]) -> StartupError:
    return StartupError(plain("\n".join(f"{name}: {text}" for name, text in faults)), exit_status=BAD_CONFIGURATION)


def _environment() -> dict[str, str]:
    """Return the environment's values by field; an empty one is unset."""
    given = {name.lower(): value for name, value in os.environ.items() if value}
    return {name: given[name] for name in Settings.model_fields if name in given}


def _find_warnings(file: env_file.EnvFile, names: list[str]) -> Iterator[str]:
    if file.ignored:
        yield f"no settings of mine in {env_file.FILE}, so ignored: {', '.join(file.ignored)}"
    # Not refused: the environment is everybody's. Compose hands on what is in `.env` that way, slips and all.
    for name in os.environ:
        if name.upper() not in names and (right := env_file.find_nearest(name, names)) is not None:
            yield f"{name} in the environment is no setting, so ignored; {right} is the nearest"


def _faults_of_fields(error: ValidationError) -> Iterator[tuple[str, str]]:
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0]).upper() if fault["loc"] else "configuration"
        cause = fault.get("ctx", {}).get("error")
        if fault["type"] == "missing":
            yield name, f"is not set: expected {_EXPECTED_SECRETS.get(name, 'a value')}"
        elif isinstance(cause, InvalidValue):
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
    if host.endswith(DISCORD_HOSTS) and parse_application_id(settings.discord_token.get_secret_value()) is None:
        yield (
            "DISCORD_TOKEN",
            "expected a bot token: three parts with dots between them, as the developer portal → Bot → Reset Token "
            "gives it (no client secret, public key or application id)",
        )


def _key_of_the_service(settings: Settings) -> Iterator[tuple[str, str]]:
    """A bot token in the key's place would be sent to the AI service, whoever runs it."""
    if parse_application_id(settings.multiappai_api_key.get_secret_value()) is not None:
        yield "MULTIAPPAI_API_KEY", "expected the key for the AI service; this looks like a bot token of Discord's"


_RULES: Final[tuple[Callable[[Settings], Iterator[tuple[str, str]]], ...]] = (
    _token_of_a_bot,
    _key_of_the_service,
    _one_kind_each,
    _a_window_or_none,
)
