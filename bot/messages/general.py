"""Sentences of no feature of its own: `/help`, the welcome to a server."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from bot.messages.message import Message

NeededPermission: TypeAlias = Literal[
    "view_channel",
    "read_message_history",
    "send_messages",
    "send_messages_in_threads",
    "attach_files",
    "add_reactions",
    "connect",
    "speak",
]
"""What the bot needs of a server's permissions, in the names of Discord's API."""


def help_heading() -> Message:
    return Message("general.help_heading")


def help_command(command: str, description: str) -> Message:
    return Message("general.help_command", {"command": command, "description": description})


def help_messages() -> Message:
    return Message("general.help_messages")


def help_context_menus() -> Message:
    return Message("general.help_context_menus")


def welcome(ask: str, say: str, draw: str, help: str) -> Message:  # noqa: A002 - a command's name
    return Message("general.welcome", {"ask": ask, "say": say, "draw": draw, "help": help})


def has_all_permissions() -> Message:
    return Message("general.has_all_permissions")


def lacks_permissions(permissions: Sequence[Message]) -> Message:
    return Message("general.lacks_permissions", {"permissions": permissions})


def needed_permission(permission: NeededPermission) -> Message:
    return Message("general.needed_permission", {"permission": permission})


def welcome_admins(set_limits: str, set_persona: str) -> Message:
    return Message("general.welcome_admins", {"set_limits": set_limits, "set_persona": set_persona})
