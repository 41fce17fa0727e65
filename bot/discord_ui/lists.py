"""Lists that fit a message, or as many messages as it takes."""

from collections.abc import Sequence

import discord
from discord.utils import escape_markdown

from bot.markdown.splitter import MESSAGE_LIMIT


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
