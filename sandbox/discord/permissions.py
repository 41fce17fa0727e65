"""Discord's permission bits, and how they are computed from roles and overwrites."""

from collections.abc import Iterable
from enum import IntFlag

from sandbox.discord.entities import Channel, ChannelType, Guild, Member


class Permission(IntFlag):
    """The bits that matter here. https://discord.com/developers/docs/topics/permissions"""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    MOVE_MEMBERS = 1 << 24
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_THREADS = 1 << 34
    SEND_MESSAGES_IN_THREADS = 1 << 38


ALL = (1 << 53) - 1

EVERYONE = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""The permissions of @everyone in a new guild."""

MODERATOR = (
    Permission.MANAGE_CHANNELS
    | Permission.MANAGE_GUILD
    | Permission.MANAGE_MESSAGES
    | Permission.MANAGE_THREADS
    | Permission.MUTE_MEMBERS
    | Permission.MOVE_MEMBERS
)

BOT = Permission(274_881_170_432)
"""The permissions in the bot's invite link."""

DIRECT_MESSAGE = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
)
"""The permissions in a DM channel."""


def get_guild_permissions(guild: Guild, member: Member) -> int:
    """Return the member's permissions in the guild, without overwrites."""
    if guild.owner_id == member.user.id:
        return ALL
    bits = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        bits |= guild.roles[role_id].permissions
    return ALL if bits & Permission.ADMINISTRATOR else bits


def get_channel_permissions(guild: Guild, member: Member, channel: Channel) -> int:
    """Return the member's permissions in a channel; a thread has its parent's, a private one only for its members.

    https://discord.com/developers/docs/topics/permissions#permission-overwrites
    https://discord.com/developers/docs/topics/threads#private-threads
    """
    bits = get_guild_permissions(guild, member)
    if bits & Permission.ADMINISTRATOR:
        return ALL
    base_channel = guild.channels[channel.parent_id] if channel.is_thread and channel.parent_id else channel
    bits = _apply_overwrites(bits, base_channel, [guild.id])
    bits = _apply_overwrites(bits, base_channel, member.role_ids)
    bits = _apply_overwrites(bits, base_channel, [member.user.id])
    if channel.type is ChannelType.PRIVATE_THREAD and member.user.id not in channel.joined:
        bits = bits if bits & Permission.MANAGE_THREADS else 0
    return bits if bits & Permission.VIEW_CHANNEL else 0


def _apply_overwrites(bits: int, channel: Channel, subjects: Iterable[int]) -> int:
    """Return the permissions after the overwrites of one tier: first all denials, then what is allowed."""
    overwrites = [channel.overwrites[subject] for subject in subjects if subject in channel.overwrites]
    for overwrite in overwrites:
        bits &= ~overwrite.deny
    for overwrite in overwrites:
        bits |= overwrite.allow
    return bits
