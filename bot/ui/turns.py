"""Kept turns as members read them: a page of the history, each turn in a few short lines."""

from typing import Final

from discord.utils import escape_markdown

from bot.history.exports import jump_link
from bot.store.turn_reader import TurnPage
from bot.store.turns import Turn

# With these, five turns fit a message even where every letter needs an escape.
NAME: Final = 40
TEXT: Final = 95


def page(stretch: TurnPage) -> str:
    """Write a page of turns, the newest first."""
    if not stretch.turns:
        return "There is nothing in this conversation that I remember." if not stretch.total else "No more turns here."
    first, last = stretch.newer + 1, stretch.newer + len(stretch.turns)
    heading = f"**What I remember here**, newest first: {first}–{last} of {stretch.total}"
    return "\n".join([heading, *(_entry(turn) for turn in stretch.turns)])


def _entry(turn: Turn) -> str:
    link = jump_link(turn)
    where = "only you see this one" if turn.private else f"[jump]({link})" if link else ""
    facts = [f"**{shortened(turn.author_name, NAME)}**", f"<t:{turn.created_at_ms // 1000}:f>", where]
    files = "".join(f" [{name}]" for name in turn.files)
    asked, answered = shortened(turn.question + files, TEXT), shortened(turn.answer, TEXT)
    return f"{' · '.join(fact for fact in facts if fact)}\n> {asked}\n{answered}"


def shortened(text: str, longest: int) -> str:
    """Write the beginning of `text` in one line of at most `longest` characters, with its markdown shown as it is."""
    line = " ".join(text[: 4 * longest].split())
    whole = len(text) <= 4 * longest
    for end in range(min(len(line), longest), 0, -1):
        written = escape_markdown(line[:end], ignore_links=False)
        ellipsis = "" if whole and end == len(line) else "…"
        if len(written) + len(ellipsis) <= longest:
            return written + ellipsis
    return "…" if line else ""
