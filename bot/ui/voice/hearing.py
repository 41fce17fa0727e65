"""Where somebody hears what they have said aloud: nowhere, where the bot is already, or where it comes for it."""

import discord

from bot.caller import Caller
from bot.speech.utterance import Label, Utterance
from bot.ui.voice.audience import Audience, Origin
from bot.ui.voice.entrance import check_entrance
from bot.ui.voice.listening import channel_to_join, session_here
from bot.ui.voice.session import VocalChannel
from bot.ui.voice.voices import Voices


class Hearing:
    """The voice channel in which something will be heard, if any. Made by `hearing_of`."""

    def __init__(
        self,
        voices: Voices,
        audience: Audience,
        channel: VocalChannel | None,
        *,
        text_channel_id: int,
        origin: Origin | None,
    ) -> None:
        self._voices = voices
        self._audience = audience
        self._channel = channel
        self._text_channel_id = text_channel_id
        self._origin = origin

    async def begin(self, label: Label, *, speed: float = 1.0) -> Utterance | None:
        """Come into the channel, and put a new utterance on its line; None where nobody wants to hear it.

        Raises:
            BotError: it can't be heard after all; the sentence says why.
        """
        channel = self._channel
        if channel is None:
            return None
        await self._audience.permit(label.member_id, lambda: channel, self._origin).check()
        session = await self._voices.join(channel, self._text_channel_id)
        permit = self._audience.permit(label.member_id, lambda: session.channel, self._origin)
        utterance = Utterance(label, speed=speed, permit=permit)
        session.line.add(utterance)
        return utterance


def hearing_of(
    interaction: discord.Interaction,
    caller: Caller,
    voices: Voices,
    audience: Audience,
    *,
    wanted: bool | None,
    origin: Origin | None,
) -> Hearing:
    """Tell where this person hears what they have said; where they don't say, in the voice channel that they share.

    Args:
        wanted: whether they want to hear it; None where they don't say.
        origin: where it comes from, so that only who may read along there hears it; None for anybody.

    Raises:
        Refusal: they want to hear it, and can't; the sentence says why.
    """
    session = session_here(interaction, voices)
    channel = session.channel if session is not None and wanted is not False else None
    if wanted:
        channel = channel or channel_to_join(interaction, voices)
        if session is None:
            check_entrance(channel)
        else:
            session.line.check_room()
    return Hearing(voices, audience, channel, text_channel_id=caller.channel_id, origin=origin)
