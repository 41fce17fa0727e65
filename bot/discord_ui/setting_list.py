"""The list that `/channel show` and `/server show` answer with: what applies, and where it comes from."""

import io
from collections.abc import Sequence
from typing import Final

import discord

from bot.guilds.settings import PERSONA, READ_CHANNEL, ResolvedSetting, SettingScope
from bot.messages import settings as texts
from bot.messages.message import Message
from bot.messages.render import render

# So much of a persona stands in the message, whose limit is 2,000 characters; all of a longer one is in a file.
PREVIEW: Final = 1000


def build_setting_list(
    resolved_settings: Sequence[ResolvedSetting], scope: SettingScope
) -> tuple[str, list[discord.File]]:
    """Return what applies at `scope`, and a file with a persona that is too long for a message."""
    lines = [render(texts.heading(scope.value))]
    files: list[discord.File] = []
    for resolved in resolved_settings:
        if resolved.setting is READ_CHANNEL:
            lines += [render(texts.read_channel_entry(f"<#{resolved.value}>"))] if resolved.value else []
            continue
        if resolved.setting is not PERSONA:
            lines.append(render(_build_model_entry(resolved)))
            continue
        lines.append(render(texts.persona_entry(resolved.level.value)))
        lines += [f"> {line}" for line in _beginning(resolved.value).splitlines()]
        if len(resolved.value) > PREVIEW:
            files.append(discord.File(io.BytesIO(resolved.value.encode("utf-8", "replace")), "persona.txt"))
    return "\n".join(lines), files


def _build_model_entry(resolved: ResolvedSetting) -> Message:
    label, model, ignored = resolved.setting.label, resolved.value, resolved.ignored_values
    if ignored:
        return texts.model_entry_of_next_level(label, model, resolved.level.value, ignored[0])
    return texts.model_entry(label, model, resolved.level.value)


def _beginning(persona: str) -> str:
    return persona if len(persona) <= PREVIEW else persona[:PREVIEW].rstrip() + "…"
