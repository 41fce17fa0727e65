"""How the settings of a channel or a server are told: what holds, and where it comes from."""

import io
from collections.abc import Iterable, Sequence
from typing import Final

import discord

from bot.guilds.setting_definitions import PERSONA, READ_CHANNEL, SettingDefinition, SettingScope
from bot.guilds.settings import Holding, Level

# So much of a persona stands in the message, whose limit is 2,000 characters; all of a longer one is in a file.
PREVIEW: Final = 1000

_HEADINGS: Final = {
    SettingScope.CHANNEL: "**Settings of this channel**",
    SettingScope.SERVER: "**Defaults of this server**",
}
_FROM: Final = {Level.CHANNEL: "this channel's", Level.SERVER: "this server's", Level.OPERATOR: "the operator's"}


def told(holdings: Sequence[Holding], place: SettingScope) -> tuple[str, list[discord.File]]:
    """Write down what holds at `place`; a persona too long for a message comes as a file."""
    lines = [_HEADINGS[place]]
    files: list[discord.File] = []
    for held in holdings:
        if held.field is READ_CHANNEL:
            lines += [f"- {held.field.label}: <#{held.value}>"] if held.value else []
            continue
        if held.field is not PERSONA:
            aside = f" (`{held.set_aside[0]}` was chosen, but can't be used any more)" if held.set_aside else ""
            lines.append(f"- {held.field.label}: `{held.value}`, {_FROM[held.level]}{aside}")
            continue
        lines.append(f"- {held.field.label}, {_FROM[held.level]}:")
        lines += [f"> {line}" for line in _beginning(held.value).splitlines()]
        if len(held.value) > PREVIEW:
            files.append(discord.File(io.BytesIO(held.value.encode("utf-8", "replace")), "persona.txt"))
    return "\n".join(lines), files


def listed(fields: Iterable[SettingDefinition]) -> str:
    """Name settings in a sentence: "model for answers and persona"."""
    *most, last = [field.label for field in fields]
    return f"{', '.join(most)} and {last}" if most else last


def _beginning(persona: str) -> str:
    return persona if len(persona) <= PREVIEW else persona[:PREVIEW].rstrip() + "…"
