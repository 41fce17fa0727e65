"""The options of a command, converted from values to what Discord's client sends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.discord import serializers
from sandbox.discord.command_registry import CommandRegistry
from sandbox.discord.entities import Channel, Member, Role, User
from sandbox.discord.messages import Attachment
from sandbox.discord.permissions import get_channel_permissions
from sandbox.discord.state import DiscordState
from sandbox.discord.validation.commands import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    MENTIONABLE,
    MOST_INTEGER,
    MOST_TEXT,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
)
from sandbox.json_object import Json


class ClientRejected(Exception):
    """Discord's client would not send this."""


@dataclass(frozen=True, slots=True)
class FoundCommand:
    """A command, or a subcommand with its `path`, and its options."""

    command: Json
    path: tuple[Json, ...]
    options: list[Json]

    @property
    def name(self) -> str:
        """The full name without the slash."""
        return " ".join(str(step["name"]) for step in (self.command, *self.path))


@dataclass(slots=True)
class FilledOptions:
    """Options as they are sent, and the entities that they refer to."""

    values: list[Json] = field(default_factory=list)
    resolved: dict[str, dict[str, Json]] = field(default_factory=dict)

    def resolve(self, kind: str, thing_id: int, body: Json) -> None:
        """Add an entity that an option refers to."""
        self.resolved.setdefault(kind, {})[str(thing_id)] = body


def find_command(registry: CommandRegistry, name: str) -> FoundCommand:
    """Return the slash command with a full name, such as `/channel model`.

    Raises:
        ClientRejected: there is none, or a subcommand is missing.
    """
    words = name.removeprefix("/").split()
    command = registry.find(words[0]) if words else None
    if command is None:
        raise ClientRejected(f"there is no command /{' '.join(words)}")
    options: list[Json] = command.get("options", [])
    path: list[Json] = []
    for word in words[1:]:
        step = next((each for each in options if each["name"] == word and each["type"] in (SUBCOMMAND, GROUP)), None)
        if step is None:
            raise ClientRejected(f"/{command['name']} has no subcommand {word}")
        path.append(step)
        options = step.get("options", [])
    if any(each["type"] in (SUBCOMMAND, GROUP) for each in options):
        raise ClientRejected(f"/{' '.join(words)} needs a subcommand")
    return FoundCommand(command, tuple(path), options)


def fill_options(
    found: FoundCommand, given: Mapping[str, object], state: DiscordState, *, typing: str | None = None
) -> FilledOptions:
    """Return options with values of their declared types, as Discord's client does.

    Args:
        given: the values by option name.
        typing: the focused option, for autocomplete: its value is not checked, and others may be missing.

    Raises:
        ClientRejected: an option is unknown, missing or invalid.
    """
    declared = {option["name"]: option for option in found.options}
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise ClientRejected(f"/{found.name} has no option {', '.join(unknown)}")
    filled = FilledOptions()
    for name, option in declared.items():
        value = given.get(name)
        if value is None:
            if option.get("required") and typing is None:
                raise ClientRejected(f"/{found.name} needs {name}")
            continue
        if name == typing:
            filled.values.append({"name": name, "type": option["type"], "value": str(value), "focused": True})
        else:
            filled.values.append({"name": name, "type": option["type"], "value": _value(option, value, filled, state)})
    return filled


def nest_options(found: FoundCommand, values: list[Json]) -> list[Json]:
    """Return the options as they are sent, inside their subcommands."""
    for step in reversed(found.path):
        values = [{"name": step["name"], "type": step["type"], "options": values}]
    return values


def _value(option: Json, value: object, filled: FilledOptions, state: DiscordState) -> object:
    kind, name = option["type"], option["name"]
    if option.get("choices"):
        for choice in option["choices"]:
            if value in (choice["name"], choice["value"]):
                return choice["value"]
        raise ClientRejected(f"{name} has no choice {value!r}")
    if kind == STRING:
        return _string(option, str(value))
    if kind == BOOLEAN:
        if isinstance(value, bool) or str(value).lower() in ("true", "false"):
            return value if isinstance(value, bool) else str(value).lower() == "true"
        raise ClientRejected(f"{name} is either true or false")
    if kind in (INTEGER, NUMBER):
        return _number(option, value)
    return str(_resolve_id(kind, name, value, filled, state))


def _string(option: Json, value: str) -> str:
    low, high = option.get("min_length", 1 if option.get("required") else 0), option.get("max_length", MOST_TEXT)
    if not low <= len(value) <= high:
        raise ClientRejected(f"{option['name']} has to be {low} to {high} characters long")
    return value


def _number(option: Json, value: object) -> int | float:
    try:
        number = int(str(value)) if option["type"] == INTEGER else float(str(value))
    except ValueError:
        raise ClientRejected(f"{option['name']} has to be a number") from None
    low, high = option.get("min_value", -MOST_INTEGER), option.get("max_value", MOST_INTEGER)
    if not low <= number <= high:
        raise ClientRejected(f"{option['name']} has to be from {low} to {high}")
    return number


def _resolve_id(kind: int, name: str, value: object, filled: FilledOptions, state: DiscordState) -> int:
    """Return the id of a user, role, channel or attachment, and add it to the resolved entities."""
    match value:
        case User() if kind in (USER, MENTIONABLE):
            filled.resolve("users", value.id, serializers.user(value))
            return value.id
        case Member() if kind in (USER, MENTIONABLE):
            filled.resolve("users", value.user.id, serializers.user(value.user))
            filled.resolve("members", value.user.id, serializers.member(value, with_user=False))
            return value.user.id
        case Role() if kind in (ROLE, MENTIONABLE):
            filled.resolve("roles", value.id, serializers.role(value))
            return value.id
        case Channel() if kind == CHANNEL:
            body = serializers.channel(value, state)
            guild = state.guild_of(value)
            bits = 0 if guild is None else get_channel_permissions(guild, guild.members[state.bot.id], value)
            filled.resolve("channels", value.id, body | {"permissions": str(bits)})
            return value.id
        case Attachment() if kind == ATTACHMENT:
            filled.resolve("attachments", value.id, serializers.attachment(value))
            return value.id
        case _:
            raise ClientRejected(f"{name} needs a value of another kind, chosen from Discord's list")
