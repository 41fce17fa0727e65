"""Kept turns as members read them: a page of the history, each turn in a few short lines."""

import io
from typing import Final

import discord

from bot.discord_ui.paging import shorten
from bot.history.exports import Export, build_jump_link
from bot.store.turn_reader import TurnPage
from bot.store.turns import Turn


async def send_export(interaction: discord.Interaction, export: Export) -> None:
    """Put a file of turns in place of "thinking…"; say so where not all of them are in it."""
    if export.turns < export.total:
        left_out = f"There are {export.total:,}; the older ones don't fit a file that I may send here."
        text = f"Here are the newest **{counted(export.turns)}**. {left_out}"
    else:
        text = f"Here is all of it: **{counted(export.turns)}**."
    if export.others_left_out:
        text += f" Of other entries {export.others_left_out:,} didn't fit."
    file = discord.File(io.BytesIO(export.data), export.filename)
    await interaction.edit_original_response(content=text, attachments=[file])


def counted(turns: int) -> str:
    """Say how many turns there are, in members' words."""
    return "one question with its answer" if turns == 1 else f"{turns:,} questions with their answers"


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
    link = build_jump_link(turn)
    where = "only you see this one" if turn.private else f"[jump]({link})" if link else ""
    facts = [f"**{shorten(turn.author_name, NAME)}**", f"<t:{turn.created_at_ms // 1000}:f>", where]
    files = "".join(f" [{name}]" for name in turn.files)
    asked, answered = shorten(turn.question + files, TEXT), shorten(turn.answer, TEXT)
    return f"{' · '.join(fact for fact in facts if fact)}\n> {asked}\n{answered}"
