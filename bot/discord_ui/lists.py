"""Lists that fit a message, or as many messages as it takes."""

import io
from collections.abc import Sequence
from typing import Final

import discord
from discord.utils import escape_markdown

from bot.guilds.settings import PERSONA, READ_CHANNEL, ResolvedSetting, SettingScope
from bot.markdown.splitter import MESSAGE_LIMIT
from bot.messages import settings as texts
from bot.messages.message import Message
from bot.messages.render import render


def fit(lines: Sequence[str], *, more: str) -> str:
    """Join as many whole `lines` as one message takes; where some are left out, `more` says so in the last line."""
    text = "\n".join(lines)
    if len(text) <= MESSAGE_LIMIT:
        return text
    fitting: list[str] = []
    room = MESSAGE_LIMIT - len(more)
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        fitting.append(line)
    return "\n".join([*fitting, more])


def in_messages(lines: Sequence[str]) -> list[str]:
    """Join `lines`, each of them short, into as many messages as it takes."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= MESSAGE_LIMIT:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


async def show_privately(interaction: discord.Interaction, lines: Sequence[str]) -> None:
    """Show all of `lines` to the requester alone."""
    first, *further = in_messages(lines)
    await interaction.response.send_message(first, ephemeral=True)
    for text in further:
        await interaction.followup.send(text, ephemeral=True)


def shorten(text: str, longest: int) -> str:
    """Return the beginning of `text` in one line of at most `longest` characters, with its Markdown escaped."""
    line = " ".join(text[: 4 * longest].split())
    whole = len(text) <= 4 * longest
    for end in range(min(len(line), longest), 0, -1):
        written = escape_markdown(line[:end], ignore_links=False)
        ellipsis = "" if whole and end == len(line) else "…"
        if len(written) + len(ellipsis) <= longest:
            return written + ellipsis
    return "…" if line else ""


# Characters of a persona in the message, whose limit is 2,000; all of a longer one is in a file.
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
