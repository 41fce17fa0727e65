"""What the bot needs of a server's permissions: everything that it uses, and nothing more.

Commands need none: their answers come by the interaction itself.
"""

from dataclasses import dataclass
from typing import Final

import discord


@dataclass(frozen=True, slots=True)
class NeededPermission:
    """A permission: its name in discord.py and in Discord's client, and what it is for."""

    flag: str
    name: str
    purpose: str


NEEDED_PERMISSIONS: Final = (
    NeededPermission("view_channel", "View Channels", "hearing when I'm mentioned"),
    NeededPermission(
        "read_message_history", "Read Message History", "replying, and marking an answer that a restart cut short"
    ),
    NeededPermission("send_messages", "Send Messages", "answering mentions and replies"),
    NeededPermission("send_messages_in_threads", "Send Messages in Threads", "answering them in threads"),
    NeededPermission("attach_files", "Attach Files", "answering them at length"),
    NeededPermission("add_reactions", "Add Reactions", "showing where I may not write"),
    NeededPermission("connect", "Connect", "coming into voice channels"),
    NeededPermission("speak", "Speak", "being heard there"),
)


def missing_permissions(granted: discord.Permissions) -> list[NeededPermission]:
    """Return the needed permissions that are not `granted`."""
    return [need for need in NEEDED_PERMISSIONS if not getattr(granted, need.flag)]


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
