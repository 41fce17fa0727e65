"""The queue of a voice channel as people read it."""

from collections.abc import Container, Sequence
from typing import Final

from discord.utils import escape_markdown

from bot.speech.voice_queue import QueueItem

SILENT: Final = "I'm not saying anything, and nothing waits."
ELSEWHERE: Final = "something from a channel that you can't see"
MOST_OF_TITLE: Final = 60


def told(listed: Sequence[QueueItem], *, reader_id: int, hidden: Container[int]) -> list[str]:
    """Write a line for each entry: who, what, how long.

    Args:
        reader_id: who reads it; they see what they have said themselves.
        hidden: the ids of the channels whose texts they may not read.
    """
    if not listed:
        return [SILENT]
    return [
        _line(number, entry, hidden=entry.label.member_id != reader_id and entry.label.channel_id in hidden)
        for number, entry in enumerate(listed)
    ]


def _line(number: int, entry: QueueItem, *, hidden: bool) -> str:
    place = "**Now**" if number == 0 else f"{number}."
    return f"{place} {escape_markdown(entry.label.member)}: {_words(entry, hidden)} ({_duration(entry.remaining_s)})"


def _words(entry: QueueItem, hidden: bool) -> str:
    if hidden:
        return ELSEWHERE
    title = " ".join(entry.label.title.split())
    if len(title) > MOST_OF_TITLE:
        title = title[: MOST_OF_TITLE - 1].rstrip() + "…"
    return f"“{escape_markdown(title)}”"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "still being written"
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
