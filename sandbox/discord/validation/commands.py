"""Validation of application commands. https://discord.com/developers/docs/interactions/application-commands"""

from collections.abc import Mapping
from typing import Any

from sandbox.discord.errors import (
    DiscordError,
    bad_choice,
    bad_length,
    bad_type,
    invalid_form,
    prefix_path,
    required,
    too_long,
)
from sandbox.json_object import Json

CHAT_INPUT, USER_MENU, MESSAGE_MENU, ENTRY_POINT = 1, 2, 3, 4
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
NESTING = {SUBCOMMAND, GROUP}
CHOOSABLE = (STRING, INTEGER, NUMBER)
MOST_OPTIONS = MOST_CHOICES = 25
MOST_CHARACTERS = 8000  # names, descriptions and values of one command together
MOST_TEXT = 6000
MOST_INTEGER = 2**53
BOUNDS: Mapping[str, tuple[tuple[int, ...], tuple[type[float], ...], int, int]] = {
    "min_length": ((STRING,), (int,), 0, MOST_TEXT),
    "max_length": ((STRING,), (int,), 1, MOST_TEXT),
    "min_value": ((INTEGER, NUMBER), (int, float), -MOST_INTEGER, MOST_INTEGER),
    "max_value": ((INTEGER, NUMBER), (int, float), -MOST_INTEGER, MOST_INTEGER),
}
"""By field: the types of options that have it, the types of its value, the least and the most."""


def validate_command(body: object) -> Json:
    """Return a valid command, completed with Discord's defaults.

    Raises:
        DiscordError: it is invalid.
    """
    if not isinstance(body, dict):
        raise bad_type("", "a dictionary")
    kind = body.get("type") or CHAT_INPUT
    if kind not in (CHAT_INPUT, USER_MENU, MESSAGE_MENU):
        raise bad_choice("type", (CHAT_INPUT, USER_MENU, MESSAGE_MENU))
    if kind == CHAT_INPUT:
        _name(body)
        description = _text(body, "description", 1, 100)
        options = _options(body, depth=0)
    else:
        _text(body, "name", 1, 32)
        description, options = "", []
        if body.get("description"):
            raise invalid_form("description", "APPLICATION_COMMAND_INVALID_DESCRIPTION", "Menus have no description")
    if _characters({"name": body["name"], "description": description, "options": options}) > MOST_CHARACTERS:
        raise invalid_form("", "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MOST_CHARACTERS})")
    command: Json = {
        "type": kind,
        "name": body["name"],
        "name_localizations": _localizations(body, "name"),
        "description": description,
        "description_localizations": _localizations(body, "description"),
        "default_member_permissions": _permissions(body),
        "dm_permission": body.get("dm_permission") is not False,
        "contexts": _numbers(body, "contexts", (0, 1, 2)),
        "integration_types": _numbers(body, "integration_types", (0, 1)) or [0],
        "nsfw": body.get("nsfw") is True,
    }
    if options:
        command["options"] = options
    return command


def _options(body: Json, *, depth: int) -> list[Json]:
    options = body.get("options")
    if options is None:
        return []
    if not isinstance(options, list):
        raise bad_type("options", "a list")
    if len(options) > MOST_OPTIONS:
        raise too_long("options", MOST_OPTIONS)
    checked: list[Json] = []
    for index, option in enumerate(options):
        try:
            checked.append(_option(option, depth))
        except DiscordError as error:
            raise prefix_path(error, f"options.{index}") from None
    names = [option["name"] for option in checked]
    if len(set(names)) < len(names):
        raise invalid_form("options", "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique")
    nested = [option["type"] in NESTING for option in checked]
    if any(nested) and not all(nested):
        raise invalid_form(
            "options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-commands and plain options do not mix"
        )
    wanted = [option.get("required", False) for option in checked]
    if wanted != sorted(wanted, reverse=True):
        raise invalid_form(
            "options",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
            "Required options must be placed before non-required options",
        )
    return checked


def _option(body: object, depth: int) -> Json:
    if not isinstance(body, dict):
        raise bad_type("", "a dictionary")
    kind = body.get("type")
    if not isinstance(kind, int) or isinstance(kind, bool) or kind not in range(1, 12):
        raise bad_choice("type", tuple(range(1, 12)))
    if (kind == GROUP and depth > 0) or (kind == SUBCOMMAND and depth > 1):
        raise invalid_form("type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deep")
    _name(body)
    checked: Json = {"type": kind, "name": body["name"], "description": _text(body, "description", 1, 100)}
    for field in ("name", "description"):
        localized = _localizations(body, field)
        if localized is not None:
            checked[f"{field}_localizations"] = localized
    if kind in NESTING:
        return checked | _nested_options(body, kind, depth)
    if depth > 0 and "options" in body and body["options"]:
        raise invalid_form("options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "This type has no options")
    return checked | _value_fields(body, kind)


def _nested_options(body: Json, kind: int, depth: int) -> Json:
    options = _options(body, depth=depth + 1)
    kinds = {option["type"] for option in options}
    if kind == GROUP and kinds - {SUBCOMMAND}:
        raise invalid_form("options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Groups hold sub-commands only")
    if kind == SUBCOMMAND and kinds & NESTING:
        raise invalid_form("options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deep")
    return {"options": options} if options else {}


def _value_fields(body: Json, kind: int) -> Json:
    """Return what an option with a value has beside its name and description."""
    fields: Json = {}
    for flag in ("required", "autocomplete"):
        if not isinstance(body.get(flag, False), bool | None):
            raise bad_type(flag, "boolean")
        if body.get(flag):
            fields[flag] = True
    choices = _choices(body, kind)
    if choices:
        fields["choices"] = choices
    if fields.get("autocomplete") and (choices or kind not in CHOOSABLE):
        raise invalid_form(
            "autocomplete",
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID",
            "No autocomplete with choices or this type",
        )
    if kind == CHANNEL and body.get("channel_types"):
        fields["channel_types"] = body["channel_types"]
    return fields | _bounds(body, kind)


def _choices(body: Json, kind: int) -> list[Json]:
    choices = body.get("choices") or []
    if not isinstance(choices, list):
        raise bad_type("choices", "a list")
    if choices and kind not in CHOOSABLE:
        raise invalid_form("choices", "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "This type has no choices")
    if len(choices) > MOST_CHOICES:
        raise too_long("choices", MOST_CHOICES)
    return [validate_choice(choice, kind, f"choices.{index}") for index, choice in enumerate(choices)]


def validate_choice(choice: object, kind: int, path: str) -> Json:
    """Return a valid choice of an option or of autocomplete.

    Raises:
        DiscordError: it is invalid for an option of that type.
    """
    if not isinstance(choice, dict):
        raise bad_type(path, "a dictionary")
    try:
        name = _text(choice, "name", 1, 100)
        value = choice.get("value")
        if kind == STRING:
            value = _text(choice, "value", 1, 100)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise bad_type("value", "a number")
        elif kind == INTEGER and not (isinstance(value, int) and abs(value) <= MOST_INTEGER):
            raise bad_type("value", "an integer")
    except DiscordError as error:
        raise prefix_path(error, path) from None
    return {"name": name, "value": value}


def _bounds(body: Json, kind: int) -> Json:
    bounds = {field: body[field] for field in BOUNDS if body.get(field) is not None}
    for field, value in bounds.items():
        kinds, types, low, high = BOUNDS[field]
        if kind not in kinds or isinstance(value, bool) or not isinstance(value, types) or not low <= value <= high:
            raise invalid_form(
                field, "NUMBER_TYPE_MAX", f"Must be between {low} and {high}, on options of some types only"
            )
    return bounds


def _name(body: Json) -> None:
    name = _text(body, "name", 1, 32)
    if name != name.lower() or not all(letter.isalnum() or letter in "-_'" for letter in name):
        raise invalid_form("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _text(body: Json, field: str, low: int, high: int) -> str:
    value = body.get(field)
    if value is None:
        raise required(field)
    if not isinstance(value, str):
        raise bad_type(field, "string")
    if not low <= len(value) <= high:
        raise bad_length(field, low, high)
    return value


def _localizations(body: Json, field: str) -> dict[str, str] | None:
    values = body.get(f"{field}_localizations")
    if values is None:
        return None
    if not isinstance(values, dict) or not all(isinstance(value, str) and value for value in values.values()):
        raise bad_type(f"{field}_localizations", "a dictionary of strings")
    return values


def _permissions(body: Json) -> str | None:
    value = body.get("default_member_permissions")
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).isdigit():
        raise invalid_form("default_member_permissions", "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    return str(value)


def _numbers(body: Json, field: str, allowed: tuple[int, ...]) -> list[int] | None:
    values = body.get(field)
    if values is None:
        return None
    if not isinstance(values, list) or any(value not in allowed for value in values):
        raise bad_choice(field, allowed)
    return sorted(values)


def _characters(part: Any) -> int:  # Any: any part of a command's JSON
    if isinstance(part, list):
        return sum(map(_characters, part))
    if not isinstance(part, dict):
        return 0
    own = sum(len(str(part.get(field, ""))) for field in ("name", "description"))
    own += len(part["value"]) if isinstance(part.get("value"), str) else 0
    return own + sum(_characters(part.get(field, [])) for field in ("options", "choices"))
