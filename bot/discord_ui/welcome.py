"""What the bot says when it has come to a server: what works, which permissions lack, and how to set limits."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import discord

from bot.discord_ui.mentions import to_command
from bot.discord_ui.permissions import NeededPermission, lacking

_LIMITS: Final = "quota set"
_SHAPE: Final = "server persona"


def place_for(guild: discord.Guild) -> discord.TextChannel | None:
    """Find the first channel that the bot may write to, in the order in which members see them."""
    for channel in sorted(guild.text_channels, key=_place_in_list):
        held = channel.permissions_for(guild.me)
        if held.view_channel and held.send_messages:
            return channel
    return None


def words_for(guild: discord.Guild, commands: Collection[str], ids: Mapping[str, int]) -> str:
    """Write the three lines; `commands` are the whole names of those there are, `ids` of the top-level ones."""

    def link(name: str) -> str:
        return to_command(name, ids)

    limits = f"set limits with {link(_LIMITS)} and " if _LIMITS in commands else ""
    return "\n".join(
        (
            f"Hello! {link('ask')} answers, {link('say')} speaks, {link('draw')} draws; {link('help')} shows the rest.",
            _permissions(lacking(guild.me.guild_permissions)),
            f"Those who may manage this server {limits}say who I am here with {link(_SHAPE)}.",
        )
    )


def _place_in_list(channel: discord.TextChannel) -> tuple[int, int, int]:
    """Channels of no category come first."""
    return (channel.category.position if channel.category else -1, channel.position, channel.id)


def _permissions(lack: Sequence[NeededPermission]) -> str:
    if not lack:
        return "I have all the permissions I need."
    return "I lack " + ", ".join(f"**{need.name}** ({need.purpose})" for need in lack) + "; all else works."
