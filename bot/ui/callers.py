"""From an interaction to the plain values that the rest of the bot works with."""

import discord

from bot.caller import Caller, Right

_RIGHTS = {
    Right.MANAGE_CHANNELS: discord.Permissions(manage_channels=True),
    Right.MANAGE_SERVER: discord.Permissions(manage_guild=True),
    Right.MANAGE_MESSAGES: discord.Permissions(manage_messages=True),
    Right.READ_MESSAGE_HISTORY: discord.Permissions(read_message_history=True),
    Right.MOVE_MEMBERS: discord.Permissions(move_members=True),
}


def caller_of(interaction: discord.Interaction) -> Caller:
    """Return who asks, where, and with which rights, as Discord computed them for this channel at this moment."""
    if interaction.channel_id is None:
        raise ValueError("an interaction of this kind always names its channel")
    settings_channel_id = interaction.channel_id
    if isinstance(interaction.channel, discord.Thread):
        settings_channel_id = interaction.channel.parent_id
    return Caller(
        user_id=interaction.user.id,
        name=interaction.user.display_name,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        settings_channel_id=settings_channel_id,
        rights=rights_of(interaction.permissions),
        server_name=interaction.guild.name if interaction.guild else "",
        channel_name=getattr(interaction.channel, "name", None) or "",
        role_ids=_role_ids(interaction),
    )


def rights_of(held: discord.Permissions) -> frozenset[Right]:
    """Return the rights that these permissions give."""
    return frozenset(right for right, needed in _RIGHTS.items() if held.administrator or held.is_superset(needed))


def _role_ids(interaction: discord.Interaction) -> frozenset[int]:
    """Return the ids of the member's roles as Discord sent them, and of the one that everybody has, the server's."""
    if interaction.guild_id is None or not isinstance(interaction.user, discord.Member):
        return frozenset()
    # Private, but `roles` leaves out those that the cache has not heard of yet, and with them kinder limits.
    return frozenset({*interaction.user._roles, interaction.guild_id})
