"""Why a voice connection ended: what it is worth to connect anew, and what people are told where it isn't."""

from typing import Final

import discord

from bot.discord_ui.voice.connection import VoiceConnection, VoiceConnectionFailed
from bot.errors import VoiceLost
from bot.messages.message import plain

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
_GONE: Final = frozenset({1000, 4014, 4022})
_NO_ENCRYPTION: Final = 4017
_TOO_OFTEN: Final = 4021
_FINAL: Final = {
    **dict.fromkeys(_GONE, "Discord ended my voice connection, so I've left the voice channel."),
    _NO_ENCRYPTION: "I've left the voice channel: Discord wants end-to-end encryption there, and I couldn't give it. "
    "Whoever runs me can look into it with `python -m bot check`.",
    _TOO_OFTEN: "I've left the voice channel: Discord wants me to connect less often. Please try again in a few "
    "minutes.",
}

REMOVED: Final = "I was taken out of the voice channel, so I've dropped what I still had to say."
CHANNEL_GONE: Final = "The voice channel is gone, so I've dropped what I still had to say."
GAVE_UP: Final = "I lost the voice connection and couldn't get it back within a minute, so I've left the voice channel."


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
    return VoiceLost("channel deleted" if gone else "removed", message=plain(CHANNEL_GONE if gone else REMOVED))


def refusal_of(close_code: int | None) -> VoiceLost | None:
    """Tell what a close code means for whoever would connect anew; None where that is worth trying."""
    sentence = _FINAL.get(close_code or 0)
    return None if sentence is None else VoiceLost(f"closed with {close_code}", message=plain(sentence))
