"""Synchronises the commands with Discord, but only when it has others than these.

Writing them at each start would be wasteful, and new ones are limited to 200 a day.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import app_commands

from bot.discord_ui.error_messages import format_http_error

logger = logging.getLogger(__name__)

# Filled in by Discord; says nothing about what a command is.
_DISCORDS_OWN: Final = frozenset(
    {
        "id",
        "application_id",
        "version",
        "guild_id",
        "dm_permission",
        "name_localized",
        "description_localized",
    }
)
_KINDS: Final = frozenset({1, 2, 3})
"""Slash commands, user menus and message menus: the kinds that are ours to write."""
# Lists whose order means nothing.
_SETS: Final = frozenset({"contexts", "integration_types", "channel_types"})
# A number here, a string of digits there.
_PERMISSIONS: Final = "default_member_permissions"


async def sync_if_changed(
    tree: app_commands.CommandTree[Any], http: discord.http.HTTPClient, application_id: int
) -> dict[str, int]:
    """Write the global commands if Discord's differ from the tree's; return the ids of the commands by name.

    Commands of another kind, such as the entry point of an activity, stay: Discord refuses a list without them. Where
    it refuses what is asked, the bot serves with the commands that are there.

    Raises:
        discord.HTTPException: the token is refused, or Discord has trouble of its own.
    """
    local = [command.to_dict(tree) for command in tree.get_commands()]
    registered: list[Any] = []  # Any: Discord's JSON, here and below
    try:
        registered = [*await http.get_global_commands(application_id)]
        ours = [command for command in registered if command.get("type", 1) in _KINDS]
        if _comparable_set(ours) == _comparable_set(local):
            logger.info("commands unchanged", extra={"commands": len(local)})
            return _ids(ours)
        foreign = [_writable(command) for command in registered if command.get("type", 1) not in _KINDS]
        written: list[Any] = [*await http.bulk_upsert_global_commands(application_id, payload=[*local, *foreign])]
    except discord.HTTPException as error:
        if error.status == 401 or error.status >= 500:
            raise
        logger.error(
            "commands not written; serving with those that are there", extra={"error": format_http_error(error)}
        )
        return _ids(registered)
    logger.info("commands written", extra={"commands": len(local)})
    return _ids(written)


def _ids(commands: list[Any]) -> dict[str, int]:  # Any: Discord's JSON
    return {command["name"]: int(command["id"]) for command in commands if command.get("type", 1) in _KINDS}


def _writable(command: Mapping[str, Any]) -> dict[str, Any]:  # Any: Discord's JSON
    """Return a command as Discord takes it back, with its id and nothing that only Discord fills in."""
    return {
        key: value for key, value in command.items() if value is not None and (key == "id" or key not in _DISCORDS_OWN)
    }


def _comparable_set(commands: Any) -> dict[tuple[int, str], Any]:  # Any: Discord's JSON
    return {(command.get("type", 1), command["name"]): _comparable(command) for command in commands}


def _comparable(value: Any) -> Any:  # Any: Discord's JSON
    """Reduce a command or a part of one to what matters: Discord leaves defaults out, discord.py spells them out."""
    if isinstance(value, Mapping):
        return {
            key: _comparable(sorted(inner) if key in _SETS else str(inner) if key == _PERMISSIONS else inner)
            for key, inner in value.items()
            if key not in _DISCORDS_OWN and not _is_default(inner)
        }
    if isinstance(value, (list, tuple)):
        return [_comparable(inner) for inner in value]
    return value


def _is_default(value: Any) -> bool:  # Any: Discord's JSON
    # A menu's description is empty there and left out here.
    return value is None or value is False or value in ("", [], {})


def format_command_mention(name: str, ids: Mapping[str, int]) -> str:
    """Return the mention of a command by its qualified name; `ids` are those of the top-level commands."""
    number = ids.get(name.split(" ", maxsplit=1)[0])
    return f"</{name}:{number}>" if number else f"`/{name}`"
