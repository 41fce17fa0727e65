"""What the people, roles and channels that a message mentions are called."""

import discord


def names_in(message: discord.Message) -> dict[str, str]:
    """Give their names, by Discord's mentions: `<@42>`, `<@&42>`, `<#42>`."""
    return {
        **{f"<@{each.id}>": each.display_name for each in message.mentions},
        **{f"<@&{each.id}>": each.name for each in message.role_mentions},
        **{f"<#{each.id}>": each.name for each in message.channel_mentions},
    }
