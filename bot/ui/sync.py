"""Tell Discord about the commands, but only when it has others than these.

Writing them anew at each start would be wasteful, and new ones are limited to 200 a day.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import app_commands

log = logging.getLogger(__name__)

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
# Lists whose order means nothing.
_SETS: Final = frozenset({"contexts", "integration_types", "channel_types"})
# A number here, a string of digits there.
_PERMISSIONS: Final = "default_member_permissions"


async def sync_if_changed(
    tree: app_commands.CommandTree[Any], http: discord.http.HTTPClient, application_id: int
) -> dict[str, int]:
    """Write the global commands if Discord's differ from the tree's; return the ids of the commands by name."""
    there = await http.get_global_commands(application_id)
    here = [command.to_dict(tree) for command in tree.get_commands()]
    if _comparable_set(there) == _comparable_set(here):
        log.info("commands unchanged", extra={"commands": len(here)})
        return {command["name"]: int(command["id"]) for command in there}
    written = await tree.sync()
    log.info("commands written", extra={"commands": len(written)})
    return {command.name: command.id for command in written}


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
