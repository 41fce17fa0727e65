"""From an interaction or a message to plain values: who asks, where, and what they and the bot may do there."""

from dataclasses import dataclass
from typing import Final, get_args

import discord

from bot.clock import unix_ms
from bot.context import Permission, RequestContext
from bot.messages.general import NeededPermission

NEEDED_PERMISSIONS: Final[tuple[NeededPermission, ...]] = get_args(NeededPermission)
"""What the bot needs in a server: all that it uses, and nothing more. Commands need none to answer."""


def list_missing_permissions(granted: discord.Permissions) -> list[NeededPermission]:
    """Return the needed permissions that are not `granted`."""
    return [permission for permission in NEEDED_PERMISSIONS if not getattr(granted, permission)]


MessageableChannel = discord.abc.GuildChannel | discord.Thread | discord.DMChannel


@dataclass(frozen=True, slots=True)
class ChannelPermissions:
    """What the bot may do in one channel or thread at this moment."""

    write: bool = True
    reply: bool = True
    attach: bool = True
    react: bool = True


def permissions_in(channel: MessageableChannel) -> ChannelPermissions:
    """Return what the bot may do in `channel`; in a direct message it may do everything."""
    if isinstance(channel, discord.DMChannel):
        return ChannelPermissions()
    granted = channel.permissions_for(channel.guild.me)
    writes = granted.send_messages_in_threads if isinstance(channel, discord.Thread) else granted.send_messages
    return ChannelPermissions(
        write=granted.view_channel and writes,
        reply=granted.read_message_history,
        attach=granted.attach_files,
        react=granted.view_channel and granted.read_message_history and granted.add_reactions,
    )


_PERMISSIONS = {
    Permission.MANAGE_CHANNELS: discord.Permissions(manage_channels=True),
    Permission.MANAGE_SERVER: discord.Permissions(manage_guild=True),
    Permission.MANAGE_MESSAGES: discord.Permissions(manage_messages=True),
    Permission.READ_MESSAGE_HISTORY: discord.Permissions(read_message_history=True),
    Permission.MOVE_MEMBERS: discord.Permissions(move_members=True),
}


def requester_of(interaction: discord.Interaction) -> RequestContext:
    """Return who asks, where, and with which permissions, as Discord computed them for this channel at this moment."""
    if interaction.channel_id is None:
        raise ValueError("an interaction of this kind always names its channel")
    settings_channel_id = interaction.channel_id
    if isinstance(interaction.channel, discord.Thread):
        settings_channel_id = interaction.channel.parent_id
    return RequestContext(
        user_id=interaction.user.id,
        name=interaction.user.display_name,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        settings_channel_id=settings_channel_id,
        asked_at_ms=unix_ms(interaction.created_at),
        permissions=permissions_of(interaction.permissions),
        guild_name=interaction.guild.name if interaction.guild else "",
        channel_name=getattr(interaction.channel, "name", None) or "",
        role_ids=_role_ids(interaction.user),
    )


def author_of(message: discord.Message, channel: MessageableChannel) -> RequestContext:
    """Return who wrote a message in `channel`, and with which permissions, by what is known of the server's roles."""
    author, asked_at_ms = message.author, unix_ms(message.created_at)
    if isinstance(channel, discord.DMChannel):
        return RequestContext(author.id, author.display_name, None, channel.id, channel.id, asked_at_ms)
    member = author if isinstance(author, discord.Member) else None
    return RequestContext(
        user_id=author.id,
        name=author.display_name,
        guild_id=channel.guild.id,
        channel_id=channel.id,
        settings_channel_id=channel.parent_id if isinstance(channel, discord.Thread) else channel.id,
        permissions=frozenset() if member is None else permissions_of(channel.permissions_for(member)),
        guild_name=channel.guild.name,
        channel_name=channel.name,
        role_ids=_role_ids(author),
        asked_at_ms=asked_at_ms,
    )


def permissions_of(granted: discord.Permissions) -> frozenset[Permission]:
    """Return those of the bot's own commands' permissions that are in `granted`."""
    return frozenset(
        permission
        for permission, needed in _PERMISSIONS.items()
        if granted.administrator or granted.is_superset(needed)
    )


def _role_ids(user: discord.User | discord.Member) -> frozenset[int]:
    """Return the ids of the member's roles as Discord sent them, and of the one that every member has, the server's."""
    if not isinstance(user, discord.Member):
        return frozenset()
    # Private, but `roles` leaves out those that are not in the cache yet, and with them more generous limits.
    return frozenset({*user._roles, user.guild.id})
