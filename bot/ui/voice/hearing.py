"""Where somebody hears what they have said aloud: nowhere, where the bot is already, or where it comes for it."""

import discord

from bot.caller import Caller
from bot.speech.utterance import Label, Utterance
from bot.ui.voice.entrance import check_entrance
from bot.ui.voice.listening import channel_to_join, session_here
from bot.ui.voice.session import VocalChannel
from bot.ui.voice.voices import Voices


class Hearing:
    """The voice channel in which something will be heard, if any. Made by `hearing_of`."""

    def __init__(self, voices: Voices, channel: VocalChannel | None, text_channel_id: int) -> None:
        self._voices = voices
        self._channel = channel
        self._text_channel_id = text_channel_id

    async def begin(self, label: Label, *, speed: float = 1.0) -> Utterance | None:
        """Come into the channel, and put a new utterance on its line; None where nobody wants to hear it.

        Raises:
            BotError: it can't be heard after all; the sentence says why.
        """
        if self._channel is None:
            return None
        utterance = Utterance(label, speed=speed)
        session = await self._voices.join(self._channel, self._text_channel_id)
        session.line.add(utterance)
        return utterance


def hearing_of(interaction: discord.Interaction, caller: Caller, voices: Voices, *, wanted: bool | None) -> Hearing:
    """Tell where this person hears what they have said; where they don't say, in the voice channel that they share.

    Raises:
        Refusal: they want to hear it, and can't; the sentence says why.
    """
    session = session_here(interaction, voices)
    channel = session.channel if session is not None and wanted is not False else None
    if wanted:
        channel = channel or channel_to_join(interaction, caller, voices)
        if session is None:
            check_entrance(channel)
        else:
            session.line.check_room()
    return Hearing(voices, channel, caller.channel_id)
