"""Why a voice connection ended: what it is worth to connect anew, and what people are told where it isn't."""

from typing import Final

import discord

from bot.discord_ui.voice.connection import VoiceConnection, VoiceConnectionFailed
from bot.errors import VoiceLost
from bot.messages import voice as texts

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
_GONE: Final = frozenset({1000, 4014, 4022})
_NO_ENCRYPTION: Final = 4017
_TOO_OFTEN: Final = 4021
_FINAL: Final = {
    **dict.fromkeys(_GONE, texts.connection_ended()),
    _NO_ENCRYPTION: texts.encryption_required(),
    _TOO_OFTEN: texts.connected_too_often(),
}


def final_word(
    lost: VoiceConnection | VoiceConnectionFailed, channel: discord.VoiceChannel | discord.StageChannel
) -> VoiceLost | None:
    """Tell why no new connection to `channel` is to be made after one that was lost or failed; None where one is."""
    if lost.removed:
        return removed_from(channel)
    return refusal_of(lost.close_code)


def removed_from(channel: discord.VoiceChannel | discord.StageChannel) -> VoiceLost:
    """Tell that somebody took the bot out of `channel`, or the channel away."""
    gone = channel.guild.get_channel(channel.id) is None
    if gone:
        return VoiceLost("channel deleted", message=texts.channel_deleted())
    return VoiceLost("removed", message=texts.removed_from_channel())


def refusal_of(close_code: int | None) -> VoiceLost | None:
    """Tell what a close code means for whoever would connect anew; None where that is worth trying."""
    sentence = _FINAL.get(close_code or 0)
    return None if sentence is None else VoiceLost(f"closed with {close_code}", message=sentence)
