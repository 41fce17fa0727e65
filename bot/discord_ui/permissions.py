"""What the bot needs of a server's permissions: everything that it uses, and nothing more.

Commands need none: their answers come by the interaction itself.
"""

from dataclasses import dataclass
from typing import Final, get_args

import discord

from bot.messages.general import Permission

NEEDED_PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)


def list_missing_permissions(granted: discord.Permissions) -> list[Permission]:
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
