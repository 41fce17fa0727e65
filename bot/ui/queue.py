"""The queue of a voice channel as people read it."""

from collections.abc import Sequence
from typing import Final

from discord.utils import escape_markdown

from bot.speech.line import Listed

SILENT: Final = "I'm not saying anything, and nothing waits."
MOST_OF_TITLE: Final = 60


def told(listed: Sequence[Listed]) -> list[str]:
    """Write a line for each entry: who, what, how long."""
    if not listed:
        return [SILENT]
    return [_line(number, entry) for number, entry in enumerate(listed)]


def _line(number: int, entry: Listed) -> str:
    place = "**Now**" if number == 0 else f"{number}."
    title = " ".join(entry.label.title.split())
    if len(title) > MOST_OF_TITLE:
        title = title[: MOST_OF_TITLE - 1].rstrip() + "…"
    return f"{place} {escape_markdown(entry.label.member)}: “{escape_markdown(title)}” ({_duration(entry.left_s)})"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "still being written"
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
