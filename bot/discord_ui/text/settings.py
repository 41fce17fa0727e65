"""How the settings of a channel or a server are told: what holds, and where it comes from."""

import io
from collections.abc import Iterable, Sequence
from typing import Final

import discord

from bot.guilds.settings import PERSONA, READ_CHANNEL, Level, ResolvedSetting, SettingDefinition, SettingScope

# So much of a persona stands in the message, whose limit is 2,000 characters; all of a longer one is in a file.
PREVIEW: Final = 1000

_HEADINGS: Final = {
    SettingScope.CHANNEL: "**Settings of this channel**",
    SettingScope.SERVER: "**Defaults of this server**",
}
_FROM: Final = {Level.CHANNEL: "this channel's", Level.SERVER: "this server's", Level.OPERATOR: "the operator's"}


def told(holdings: Sequence[ResolvedSetting], place: SettingScope) -> tuple[str, list[discord.File]]:
    """Write down what holds at `place`; a persona too long for a message comes as a file."""
    lines = [_HEADINGS[place]]
    files: list[discord.File] = []
    for resolved in holdings:
        if resolved.setting is READ_CHANNEL:
            lines += [f"- {resolved.setting.label}: <#{resolved.value}>"] if resolved.value else []
            continue
        if resolved.setting is not PERSONA:
            aside = (
                f" (`{resolved.ignored_values[0]}` was chosen, but can't be used any more)"
                if resolved.ignored_values
                else ""
            )
            lines.append(f"- {resolved.setting.label}: `{resolved.value}`, {_FROM[resolved.level]}{aside}")
            continue
        lines.append(f"- {resolved.setting.label}, {_FROM[resolved.level]}:")
        lines += [f"> {line}" for line in _beginning(resolved.value).splitlines()]
        if len(resolved.value) > PREVIEW:
            files.append(discord.File(io.BytesIO(resolved.value.encode("utf-8", "replace")), "persona.txt"))
    return "\n".join(lines), files


def listed(fields: Iterable[SettingDefinition]) -> str:
    """Name settings in a sentence: "model for answers and persona"."""
    *most, last = [field.label for field in fields]
    return f"{', '.join(most)} and {last}" if most else last


def _beginning(persona: str) -> str:
    return persona if len(persona) <= PREVIEW else persona[:PREVIEW].rstrip() + "…"
