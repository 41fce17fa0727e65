"""Mentions of commands, and the names of what a message mentions."""

from collections.abc import Callable, Mapping

import discord


def format_command_mention(name: str, ids: Mapping[str, int]) -> str:
    """Return the mention of a command by its qualified name; `ids` are those of the top-level commands."""
    number = ids.get(name.split(" ", maxsplit=1)[0])
    return f"</{name}:{number}>" if number else f"`/{name}`"


def mention_names(message: discord.Message, *, known: Callable[[int], bool]) -> dict[str, str]:
    """Return the names behind mentions (`<@42>`, `<@&42>`, `<#42>`); of channels only those that are `known` by id."""
    return {
        **{f"<@{each.id}>": each.display_name for each in message.mentions},
        **{f"<@&{each.id}>": each.name for each in message.role_mentions},
        **{f"<#{each.id}>": each.name for each in message.channel_mentions if known(each.id)},
    }
