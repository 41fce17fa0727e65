"""/voice: the bot's voice in voice channels."""

from collections.abc import Collection, Container, Sequence
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands
from discord.utils import escape_markdown

from bot.client import Bot
from bot.context import Permission, RequestContext
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_output import acknowledge, edit_original
from bot.discord_ui.lists import show_privately
from bot.discord_ui.tree import PERMISSION, READS, build_choices
from bot.discord_ui.voice.audience import Audience
from bot.discord_ui.voice.join_checks import check_connect_permissions
from bot.discord_ui.voice.listener_access import (
    can_control_playback,
    find_channel_to_join,
    find_session_of,
    get_visible_session,
    permissions_in,
    require_permission_in,
)
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import UserError
from bot.guilds.auto_read import AutoRead
from bot.messages import voice as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.speech.voice_queue import QueueItem
from bot.speech.voice_settings import MAX_SPEED, MIN_SPEED, VOICES, MemberVoices

MAX_TITLE_LENGTH: Final = 60
"""Characters of a text by which it is known in the queue."""


class MessageContentDisabled(UserError):
    """The bot may not read the content of messages."""

    message = texts.message_content_disabled()


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
class VoiceCog(commands.GroupCog, group_name="voice", group_description="Hear me in a voice channel"):
    """Joins, speaks and leaves."""

    def __init__(
        self,
        voice_manager: VoiceManager,
        audience: Audience,
        voice_settings: MemberVoices,
        auto_read: AutoRead,
        *,
        reads_messages: bool,
    ) -> None:
        self._voice_manager = voice_manager
        self._audience = audience
        self._voice_settings = voice_settings
        self._auto_read = auto_read
        self._reads_messages = reads_messages

    @app_commands.command(extras={READS: True})
    @app_commands.describe(channel="A channel other than yours (needs Move Members)")
    async def join(
        self,
        interaction: discord.Interaction,
        channel: discord.VoiceChannel | discord.StageChannel | None = None,
    ) -> None:
        """Call me into your voice channel."""
        requester = requester_of(interaction)
        check_connect_permissions(find_channel_to_join(interaction, self._voice_manager, named=channel))
        await acknowledge(interaction, private=True)
        session = await self._voice_manager.join(
            lambda: find_channel_to_join(interaction, self._voice_manager, named=channel), requester.channel_id
        )
        await edit_original(interaction, render(texts.joined(session.channel.mention)), [])

    @app_commands.command(extras={READS: True})
    async def leave(self, interaction: discord.Interaction) -> None:
        """Make me leave the voice channel."""

        def check() -> VoiceSession:
            session = get_visible_session(interaction, self._voice_manager)
            if find_session_of(interaction, self._voice_manager) is None and session.listener_ids:
                require_permission_in(interaction, session.channel, Permission.MOVE_MEMBERS)
            return session

        guild_id = check().guild.id
        await acknowledge(interaction, private=True)
        await self._voice_manager.leave(guild_id, check)
        await edit_original(interaction, render(texts.left()), [])

    @app_commands.command(extras={READS: True})
    async def skip(self, interaction: discord.Interaction) -> None:
        """Skip what I'm saying: yours, or anyone's if you're a moderator or alone with me."""
        session = get_visible_session(interaction, self._voice_manager)
        skipped = session.queue.skip(interaction.user.id, as_moderator=can_control_playback(interaction, session))
        text = texts.nothing_to_skip() if skipped is None else texts.skipped()
        await interaction.response.send_message(render(text), ephemeral=True)

    @app_commands.command(extras={READS: True})
    async def stop(self, interaction: discord.Interaction) -> None:
        """Stop and clear what is yours, or everyone's if you're a moderator or alone with me."""
        session = get_visible_session(interaction, self._voice_manager)
        dropped = session.queue.stop(interaction.user.id, as_moderator=can_control_playback(interaction, session))
        text = texts.stopped() if dropped else texts.nothing_to_stop()
        await interaction.response.send_message(render(text), ephemeral=True)

    @app_commands.command(name="queue", extras={READS: True})
    async def show_queue(self, interaction: discord.Interaction) -> None:
        """Show what I'm saying and what comes next."""
        session = get_visible_session(interaction, self._voice_manager)
        items = session.queue.list_items()
        others = [each.label for each in items if each.label.member_id != interaction.user.id]
        hidden = await self._audience.list_hidden_channels(
            interaction, {each.channel_id for each in others if each.channel_id}
        )
        await show_privately(interaction, _format_queue(items, interaction.user.id, hidden))

    @app_commands.command()
    @app_commands.describe(voice="The voice for your texts", speed="Speed, from half to twice the usual")
    async def settings(
        self,
        interaction: discord.Interaction,
        voice: app_commands.Range[str, 1, 64] | None = None,
        speed: app_commands.Range[float, MIN_SPEED, MAX_SPEED] | None = None,
    ) -> None:
        """Choose the voice that speaks for you, and its speed; without options, show your choice."""
        requester = requester_of(interaction)
        if voice is None and speed is None:
            resolved = await self._voice_settings.get(requester)
        else:
            resolved = await self._voice_settings.set(requester, voice=voice, speed=speed)
        text = render(texts.settings(resolved.name, resolved.speed))
        await interaction.response.send_message(text, ephemeral=True)

    @app_commands.command(extras={PERMISSION: Permission.MANAGE_CHANNELS})
    @app_commands.describe(channel="The channel to read; leave empty to stop reading")
    async def read(
        self,
        interaction: discord.Interaction,
        channel: discord.TextChannel | discord.VoiceChannel | discord.StageChannel | None = None,
    ) -> None:
        """Read aloud what members in my voice channel write in a channel."""
        requester = requester_of(interaction)

        def permissions_there(channel_id: int) -> Collection[Permission]:
            return _permissions_there(interaction, requester, channel_id)

        if channel is None:
            cleared = await self._auto_read.clear(requester, permissions_there)
            text = texts.reads_no_channel("now" if cleared else "before")
        else:
            require_permission_in(interaction, channel, Permission.MANAGE_CHANNELS)
            if not self._reads_messages:
                raise MessageContentDisabled
            await self._auto_read.set(requester, channel.id, permissions_there)
            text = texts.reads_channel(channel.mention)
        await interaction.response.send_message(render(text), ephemeral=True)

    @settings.autocomplete("voice")
    async def _complete_voice(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_choices(VOICES, typed)

    @commands.Cog.listener()
    async def on_voice_state_update(
        self, member: discord.Member, _before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Update the sessions: the bot or a listener moved."""
        self._voice_manager.on_voice_state(member, after)

    @commands.Cog.listener()
    async def on_guild_channel_update(self, _: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        """Check again who may hear what is playing: a channel may have become private."""
        self._voice_manager.on_permissions_changed(after.guild.id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Check again who may hear what is playing."""
        self._voice_manager.on_permissions_changed(channel.guild.id)

    @commands.Cog.listener()
    async def on_guild_role_update(self, _: discord.Role, after: discord.Role) -> None:
        """Check again who may hear what is playing."""
        self._voice_manager.on_permissions_changed(after.guild.id)

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Check again who may hear what is playing."""
        self._voice_manager.on_permissions_changed(role.guild.id)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Check again who may hear what is playing."""
        self._voice_manager.on_permissions_changed(event.guild_id)


def _permissions_there(
    interaction: discord.Interaction, requester: RequestContext, channel_id: int
) -> Collection[Permission]:
    """Return the requester's permissions in a channel; where it was deleted, those in the one that they ask in."""
    channel = None if interaction.guild is None else interaction.guild.get_channel(channel_id)
    return requester.permissions if channel is None else permissions_in(interaction, channel)


def _format_queue(items: Sequence[QueueItem], reader_id: int, hidden_channel_ids: Container[int]) -> list[str]:
    """Return a line for each item: who, what, and how long it takes.

    Args:
        reader_id: the member who reads it; they see what they have said themselves.
        hidden_channel_ids: the channels whose texts they may not read.
    """
    if not items:
        return [render(texts.queue_empty())]
    lines = []
    for number, item in enumerate(items):
        is_hidden = item.label.member_id != reader_id and item.label.channel_id in hidden_channel_ids
        title = texts.queue_hidden_title() if is_hidden else texts.queue_title(_format_title(item.label.title))
        member, remaining = escape_markdown(item.label.member), _remaining(item.remaining_s)
        lines.append(
            texts.queue_waiting(number, member, title, remaining)
            if number
            else texts.queue_current(member, title, remaining)
        )
    return [render(line) for line in lines]


def _format_title(title: str) -> str:
    line = " ".join(title.split())
    if len(line) > MAX_TITLE_LENGTH:
        line = line[: MAX_TITLE_LENGTH - 1].rstrip() + "…"
    return escape_markdown(line)


def _remaining(seconds: float | None) -> Message:
    if seconds is None:
        return texts.unknown_remaining()
    whole = max(1, round(seconds))
    return texts.seconds_remaining(whole) if whole < 60 else texts.minutes_remaining(whole // 60, whole % 60)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(
        VoiceCog(
            bot.voice_manager,
            bot.audience,
            bot.services.voice_settings,
            bot.services.auto_read,
            reads_messages=bot.intents.message_content,
        )
    )
