"""Files of kept turns on their way to whoever asked for them."""

import io

import discord

from bot.history.exports import Export


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
