"""/privacy: what is stored about a member, to see, to export, to delete."""

from collections.abc import Sequence
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row
from bot.discord_ui.context import requester_of
from bot.discord_ui.text.history import counted, send_export
from bot.discord_ui.tree import READS
from bot.history.privacy import MemberData, StoredData
from bot.store.personal_data import ChannelTurnCount

_DELETE: Final = "privacy-delete"

OTHERS: Final = {
    "settings": "Settings that you changed as a moderator: {}, until somebody changes them again",
    "changes": "Your entries in the record of changed settings: {}, for as long as the server has me",
    "voice_preferences": "The voice and the speed that you chose for what I say for you, until you change them",
    "sketches": "What you had drawn: {}, each for as long as the questions, or until its message is deleted",
    "quota_rules": "Limits that moderators set for you in particular: {}, until they take them back",
}
"""What the rows of each of `bot.store.personal_data.PERSONAL_COLUMNS` are, and until when they are kept."""

_USE: Final = (
    "What you have used of the limits stays counted until they start again, under a code in place of your id: so "
    "deleting your data buys no new quota. A limit that was set for you in particular stays too, under such a code, "
    "and for a day or two that you asked for this."
)


class PrivacyCog(commands.GroupCog, group_name="privacy", group_description="What I keep about you"):
    """Shows, exports and deletes a member's own data, from all servers and direct messages."""

    def __init__(self, own_data: MemberData, buttons: ButtonRouter) -> None:
        self._own_data = own_data
        buttons.register(_DELETE, self._delete, private=True)

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show what is stored about you, where, and until when."""
        kept = await self._own_data.get_summary(requester_of(interaction))
        text = _format_kept(kept, interaction.guild_id, self._own_data.retention_days)
        await interaction.response.send_message(text, ephemeral=True)

    @app_commands.command(extras={READS: True})
    async def export(self, interaction: discord.Interaction) -> None:
        """Get everything that is stored about you as a file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        export = await self._own_data.export(requester_of(interaction), interaction.filesize_limit)
        await send_export(interaction, export)

    @app_commands.command()
    async def delete(self, interaction: discord.Interaction) -> None:
        """Delete everything that is stored about you."""
        kept = await self._own_data.get_summary(requester_of(interaction))
        text = (
            f"I would delete **{counted(kept.turns)}**, from all servers and direct messages, and take your id out of "
            f"everything else that I keep. The messages in Discord stay, and there is no way back. {_USE}"
        )
        view = build_row(Button(_DELETE, "Delete it all", danger=True))
        await interaction.response.send_message(text, ephemeral=True, view=view)

    async def _delete(self, interaction: discord.Interaction, _: int) -> None:
        await interaction.response.defer()
        turns = await self._own_data.delete(requester_of(interaction))
        text = f"Done: {counted(turns)} of yours, and every other row with your id, are deleted. {_USE}"
        await interaction.edit_original_response(content=text, view=None)


def _format_kept(kept: StoredData, guild_id: int | None, days: int) -> str:
    """Return in plain words what is stored, where, and until when."""
    here = [place for place in kept.channels if guild_id is not None and place.guild_id == guild_id]
    direct = [place for place in kept.channels if place.guild_id is None]
    elsewhere = [place for place in kept.channels if place.guild_id not in (None, guild_id)]
    lines = ["**What I keep about you**"]
    servers = len({place.guild_id for place in elsewhere})
    for where, places in (
        ("In this server", here),
        ("In direct messages with me", direct),
        (f"In {servers} other server{'s' if servers != 1 else ''}", elsewhere),
    ):
        if places:
            lines.append(f"- {where}: {_format_turns(places)}")
    if kept.turns:
        lines.append(f"  Each of these goes {days} days after it was asked, or with its message when that is deleted.")
    else:
        lines.append("- No questions and no answers.")
    lines += [f"- {OTHERS[table].format(count)}." for table, count in kept.others.items()]
    if kept.others:
        lines.append("  What belongs to a server that removes me goes after 7 days.")
    lines.append("- How much you have used of the limits, under a code in place of your id, until it no longer counts.")
    lines.append(
        "Your questions go to the AI service, together with what was said before in the same conversation. "
        "`/privacy export` gives you a copy of it all, `/privacy delete` deletes it."
    )
    return "\n".join(lines)


def _format_turns(places: Sequence[ChannelTurnCount]) -> str:
    turns, private = sum(place.turns for place in places), sum(place.private for place in places)
    oldest = min(place.oldest_at_ms for place in places) // 1000
    aside = f", {private:,} of them private" if private else ""
    return f"{counted(turns)}{aside}, the oldest from <t:{oldest}:D>"


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(PrivacyCog(bot.services.member_data, bot.buttons))
