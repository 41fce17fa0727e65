"""Where somebody hears what they have said aloud: nowhere, where the bot is already, or where it comes for it."""

import discord

from bot.context import RequestContext
from bot.discord_ui.voice.audience import Audience, NotThere, Origin
from bot.discord_ui.voice.connection import VocalChannel
from bot.discord_ui.voice.join_checks import check_entrance
from bot.discord_ui.voice.listener_access import NotInVoice, channel_to_join, heard_channel, session_here
from bot.discord_ui.voice.manager import VoiceManager
from bot.speech.utterance import Label, Utterance


class PlaybackTarget:
    """The voice channel in which something will be heard, if any. Made by `hearing_of`.

    Which one that is is looked at when it begins: since it was asked for, people and the bot may have gone elsewhere.
    """

    def __init__(
        self,
        interaction: discord.Interaction,
        voices: VoiceManager,
        audience: Audience,
        *,
        wanted: bool | None,
        text_channel_id: int,
        origin: Origin | None,
    ) -> None:
        self._interaction = interaction
        self._voices = voices
        self._audience = audience
        self._wanted = wanted
        self._text_channel_id = text_channel_id
        self._origin = origin

    async def begin(self, label: Label, *, speed: float = 1.0) -> Utterance | None:
        """Come into the channel, and put a new utterance on its line; None where nobody wants to hear it.

        Raises:
            BotError: it can't be heard after all; the sentence says why.
        """
        if not self._wanted and (self._wanted is False or session_here(self._interaction, self._voices) is None):
            return None
        channel = self._where()
        await self._audience.permit(label.member_id, lambda: channel, self._origin).check()
        session = await self._voices.join(self._where, self._text_channel_id)
        permit = self._audience.permit(label.member_id, lambda: session.channel, self._origin)
        utterance = Utterance(label, speed=speed, permit=permit)
        session.line.add(utterance)
        return utterance

    def _where(self) -> VocalChannel:
        """Tell in which channel it is to be heard at this moment.

        Raises:
            UserError: in none.
        """
        if self._wanted:
            if heard_channel(self._interaction) is None:
                raise NotThere
            return channel_to_join(self._interaction, self._voices)
        session = session_here(self._interaction, self._voices)
        if session is None:
            raise NotInVoice
        return session.channel


def hearing_of(
    interaction: discord.Interaction,
    requester: RequestContext,
    voices: VoiceManager,
    audience: Audience,
    *,
    wanted: bool | None,
    origin: Origin | None,
) -> PlaybackTarget:
    """Tell where this person hears what they have said; where they don't say, in the voice channel that they share.

    Args:
        wanted: whether they want to hear it; None where they don't say.
        origin: where it comes from, so that only who may read along there hears it; None for anybody.

    Raises:
        UserError: they want to hear it, and can't; the sentence says why.
    """
    if wanted:
        session = session_here(interaction, voices)
        if session is None:
            check_entrance(channel_to_join(interaction, voices))
        else:
            session.line.check_capacity()
    return PlaybackTarget(
        interaction, voices, audience, wanted=wanted, text_channel_id=requester.channel_id, origin=origin
    )
