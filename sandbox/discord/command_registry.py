"""The application's registered commands, validated, with ids and versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.discord.errors import (
    DiscordError,
    bad_type,
    invalid_form,
    no_entry_point,
    prefix_path,
    too_long,
    unknown_command,
)
from sandbox.discord.snowflakes import Snowflakes
from sandbox.discord.validation.commands import CHAT_INPUT, ENTRY_POINT, validate_command
from sandbox.json_object import Json

MOST: Mapping[int, int] = {1: 100, 2: 15, 3: 15}  # slash commands, user menus, message menus


@dataclass(slots=True)
class CommandRegistry:
    """The global commands of one application."""

    application_id: int
    snowflakes: Snowflakes
    commands: dict[int, Json] = field(default_factory=dict)
    creates: int = 0
    """How many commands were created; Discord allows 200 a day."""
    entry_point: Json | None = None
    """The Entry Point command, which every bulk update has to include."""

    def add_entry_point(self, name: str) -> Json:
        """Return a new Entry Point command, as applications with an activity have."""
        fields: Json = {"type": ENTRY_POINT, "name": name, "description": "", "handler": 2, "contexts": [0, 1, 2]}
        self.entry_point = self._add_version(fields, self.snowflakes.next(), None)
        self.commands[int(self.entry_point["id"])] = self.entry_point
        return self.entry_point

    def list_all(self, *, with_localizations: bool = False) -> list[Json]:
        """Return all commands in the order of creation."""
        return [_strip_localizations(command, with_localizations) for command in self.commands.values()]

    def get(self, command_id: int) -> Json:
        """Return the command with that id.

        Raises:
            DiscordError: there is none.
        """
        if command_id not in self.commands:
            raise unknown_command()
        return _strip_localizations(self.commands[command_id], True)

    def find(self, name: str, kind: int = CHAT_INPUT) -> Json | None:
        """Return the command of that name."""
        for command in self.commands.values():
            if (command["type"], command["name"]) == (kind, name):
                return command
        return None

    def replace(self, body: object) -> list[Json]:
        """Replace all commands by this list and return them; type and name known before keep their id.

        Raises:
            DiscordError: one of them is invalid; then nothing changes.
        """
        if not isinstance(body, list):
            raise bad_type("", "a list")
        checked: list[Json] = []
        entry_points = [entry for entry in body if isinstance(entry, dict) and entry.get("type") == ENTRY_POINT]
        if self.entry_point is not None and [each.get("name") for each in entry_points] != [self.entry_point["name"]]:
            raise no_entry_point()
        for index, entry in enumerate(body):
            if self.entry_point is not None and entry in entry_points:
                continue
            try:
                checked.append(validate_command(entry))
            except DiscordError as error:
                raise prefix_path(error, str(index)) from None
        keys = [(command["type"], command["name"]) for command in checked]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise invalid_form(
                    str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"
                )
        self._check_room(checked)
        stored = [self._store(command) for command in checked]
        if self.entry_point is not None:
            stored.append(self.entry_point)
        self.commands = {int(command["id"]): command for command in stored}
        return [_strip_localizations(command, True) for command in stored]

    def upsert(self, body: object) -> tuple[Json, bool]:
        """Create or overwrite the command of that type and name; return it and whether it is new.

        Raises:
            DiscordError: it is invalid.
        """
        command = validate_command(body)
        new = self.find(command["name"], command["type"]) is None
        if new:
            self._check_room([*self.commands.values(), command])
        stored = self._store(command)
        self.commands[int(stored["id"])] = stored
        return _strip_localizations(stored, True), new

    def edit(self, command_id: int, body: object) -> Json:
        """Change some fields of a command and return it.

        Raises:
            DiscordError: there is none with that id, or the result is invalid.
        """
        before = self.get(command_id)
        if not isinstance(body, dict):
            raise bad_type("", "a dictionary")
        changed = validate_command({**before, **body, "type": before["type"]})
        stored = self._add_version(changed, command_id, before)
        self.commands[command_id] = stored
        return _strip_localizations(stored, True)

    def delete(self, command_id: int) -> None:
        """Delete a command.

        Raises:
            DiscordError: there is none with that id.
        """
        self.get(command_id)
        del self.commands[command_id]

    def _check_room(self, commands: list[Json]) -> None:
        for kind, most in MOST.items():
            if sum(command["type"] == kind for command in commands) > most:
                raise too_long("", most)

    def _store(self, command: Json) -> Json:
        before = self.find(command["name"], command["type"])
        if before is not None:
            return self._add_version(command, int(before["id"]), before)
        self.creates += 1
        return self._add_version(command, self.snowflakes.next(), None)

    def _add_version(self, command: Json, command_id: int, before: Json | None) -> Json:
        version = str(self.snowflakes.next())
        versioned = {"id": str(command_id), "application_id": str(self.application_id), **command}
        if before is not None and {**versioned, "version": before["version"]} == before:
            version = before["version"]
        return {**versioned, "version": version}


def _strip_localizations(command: Json, with_localizations: bool) -> Json:
    if with_localizations:
        return command
    return {key: value for key, value in command.items() if not key.endswith("_localizations")}
