"""/privacy: what is stored about a member, to see, to export, to delete."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_output import acknowledge
from bot.discord_ui.tree import READS
from bot.history.guild_cleanup import LEFT_GUILD_RETENTION
from bot.history.privacy import MemberData, StoredData
from bot.history.retention import AUDIT_LOG_RETENTION
from bot.messages import history
from bot.messages import privacy as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.store.personal_data import ChannelTurnCount, PersonalRows

_DELETE: Final = "privacy-delete"


class PrivacyCog(commands.GroupCog, group_name="privacy", group_description="What is stored about you"):
    """Shows, exports and deletes a member's own data, from all servers and direct messages."""

    def __init__(self, member_data: MemberData, buttons: ButtonRouter) -> None:
        self._member_data = member_data
        buttons.register(_DELETE, self._delete, private=True)

    @app_commands.command(extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """Show what is stored about you, where, and until when."""
        stored = await self._member_data.get_summary(requester_of(interaction))
        text = _format_stored(stored, interaction.guild_id, self._member_data.retention_days)
        await interaction.response.send_message(text, ephemeral=True)

    @app_commands.command(extras={READS: True})
    async def export(self, interaction: discord.Interaction) -> None:
        """Get everything that is stored about you as a file."""
        await acknowledge(interaction, private=True)
        export = await self._member_data.export(requester_of(interaction), interaction.filesize_limit)
        exported = history.exported(export.turns, export.total)
        if export.others_left_out:
            exported = texts.exported_some(exported, export.others_left_out)
        file = discord.File(io.BytesIO(export.data), export.filename)
        await interaction.edit_original_response(content=render(exported), attachments=[file])

    @app_commands.command()
    async def delete(self, interaction: discord.Interaction) -> None:
        """Delete everything that is stored about you."""
        stored = await self._member_data.get_summary(requester_of(interaction))
        view = build_row(Button(_DELETE, render(texts.delete_button()), danger=True))
        text = render(texts.delete_confirmation(stored.turns))
        await interaction.response.send_message(text, ephemeral=True, view=view)

    async def _delete(self, interaction: discord.Interaction, _: int) -> None:
        await interaction.response.defer()
        turns = await self._member_data.delete(requester_of(interaction))
        await interaction.edit_original_response(content=render(texts.deleted(turns)), view=None)


def _format_stored(stored: StoredData, guild_id: int | None, days: int) -> str:
    """Return in plain words what is stored, where, and until when."""
    in_guild = [count for count in stored.channels if guild_id is not None and count.guild_id == guild_id]
    direct = [count for count in stored.channels if count.guild_id is None]
    elsewhere = [count for count in stored.channels if count.guild_id not in (None, guild_id)]
    lines = [texts.summary_heading()]
    if in_guild:
        lines.append(texts.turns_in_this_server(_count_turns(in_guild)))
    if direct:
        lines.append(texts.turns_in_direct_messages(_count_turns(direct)))
    if elsewhere:
        servers = len({count.guild_id for count in elsewhere})
        lines.append(texts.turns_in_other_servers(servers, _count_turns(elsewhere)))
    lines.append(texts.turns_kept_for(days) if stored.turns else texts.no_turns())
    lines += [count_rows(sort, count) for sort, count in stored.others.items()]
    if stored.others:
        lines.append(texts.left_servers_kept_for(LEFT_GUILD_RETENTION.days))
    lines += [texts.usage(), texts.where_questions_go()]
    return "\n".join(map(render, lines))


def _count_turns(counts: Sequence[ChannelTurnCount]) -> Message:
    turns, private = sum(count.turns for count in counts), sum(count.private for count in counts)
    oldest_at = datetime.fromtimestamp(min(count.oldest_at_ms for count in counts) / 1000, UTC)
    return texts.turns_some_private(turns, private, oldest_at) if private else texts.turns(turns, oldest_at)


def count_rows(sort: PersonalRows, count: int) -> Message:
    """Return what the rows of one sort are, how many there are, and until when they are kept."""
    match sort:
        case PersonalRows.SETTINGS:
            return texts.settings(count)
        case PersonalRows.SETTING_CHANGES:
            return texts.setting_changes(count, AUDIT_LOG_RETENTION.days)
        case PersonalRows.VOICE_SETTINGS:
            return texts.voice_settings()
        case PersonalRows.IMAGE_GENERATIONS:
            return texts.image_generations(count)
        case PersonalRows.LIMITS:
            return texts.limits(count)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(PrivacyCog(bot.services.member_data, bot.buttons))
