"""Whether the bot may come into a voice channel and speak there; each lack has its sentence."""

import discord

from bot.discord_ui.voice.session import VocalChannel
from bot.errors import UserError
from bot.messages import voice as texts


class MissingVoicePermission(UserError):
    """A voice channel cannot be joined, or not spoken in."""


def check_entrance(channel: VocalChannel) -> None:
    """Do nothing where the bot may come in and speak.

    Raises:
        MissingVoicePermission: it may not.
    """
    held = channel.permissions_for(channel.guild.me)
    lacking = next((name for name, has in _needs(channel, held) if not has), None)
    if lacking is not None:
        raise MissingVoicePermission(
            f"lacks {lacking}",
            message=texts.missing_permission(lacking, channel.mention),
        )
    others = [user_id for user_id in channel.voice_states if user_id != channel.guild.me.id]
    if channel.user_limit and len(others) >= channel.user_limit and not held.move_members:
        raise MissingVoicePermission("full", message=texts.channel_full(channel.mention))


def _needs(channel: VocalChannel, held: discord.Permissions) -> list[tuple[str, bool]]:
    needs = [("View Channel", held.view_channel), ("Connect", held.connect)]
    if isinstance(channel, discord.StageChannel):
        # An audience can't be heard, and only who may mute others comes out of it without being asked to.
        return [*needs, ("Mute Members", held.mute_members)]
    return [*needs, ("Speak", held.speak)]
