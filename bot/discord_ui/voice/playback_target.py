"""The voice channel in which a requester hears speech: none, the one the bot is in, or one that it joins for it."""

import discord

from bot.context import RequestContext
from bot.discord_ui.voice.audience import Audience, Origin, RequesterLeft
from bot.discord_ui.voice.connection import VocalChannel
from bot.discord_ui.voice.join_checks import check_connect_permissions
from bot.discord_ui.voice.listener_access import (
    NotInVoice,
    find_channel_to_join,
    find_session_of,
    find_voice_channel_of,
)
from bot.discord_ui.voice.manager import VoiceManager
from bot.speech.utterance import Label, Utterance


class PlaybackTarget:
    """The voice channel in which speech will be heard, if any. Built by `resolve_playback_target`.

    The channel is resolved when the speech is enqueued: members and the bot may have moved since the request.
    """

    def __init__(
        self,
        interaction: discord.Interaction,
        voice_manager: VoiceManager,
        audience: Audience,
        *,
        wanted: bool | None,
        text_channel_id: int,
        origin: Origin | None,
    ) -> None:
        self._interaction = interaction
        self._voice_manager = voice_manager
        self._audience = audience
        self._wanted = wanted
        self._text_channel_id = text_channel_id
        self._origin = origin

    async def enqueue(self, label: Label, *, speed: float = 1.0) -> Utterance | None:
        """Join the channel, and return a new utterance in its queue; None where it is not to be heard.

        Raises:
            BotError: it cannot be heard after all; the sentence says why.
        """
        if not self._wanted and (
            self._wanted is False or find_session_of(self._interaction, self._voice_manager) is None
        ):
            return None
        channel = self._find_channel()
        await self._audience.permit(label.member_id, lambda: channel, self._origin).check()
        session = await self._voice_manager.join(self._find_channel, self._text_channel_id)
        permit = self._audience.permit(label.member_id, lambda: session.channel, self._origin)
        utterance = Utterance(label, speed=speed, permit=permit)
        session.queue.add(utterance)
        return utterance

    def _find_channel(self) -> VocalChannel:
        """Return the channel in which it is to be heard now.

        Raises:
            UserError: there is none.
        """
        if self._wanted:
            if find_voice_channel_of(self._interaction) is None:
                raise RequesterLeft
            return find_channel_to_join(self._interaction, self._voice_manager)
        session = find_session_of(self._interaction, self._voice_manager)
        if session is None:
            raise NotInVoice
        return session.channel


def resolve_playback_target(
    interaction: discord.Interaction,
    requester: RequestContext,
    voice_manager: VoiceManager,
    audience: Audience,
    *,
    wanted: bool | None,
    origin: Origin | None,
) -> PlaybackTarget:
    """Return where the requester hears what they request.

    Args:
        wanted: whether they want to hear it; None: if the bot is in their voice channel.
        origin: where the text comes from, so that only members who may read there hear it; None for all.

    Raises:
        UserError: they want to hear it, and cannot; the sentence says why.
    """
    if wanted:
        session = find_session_of(interaction, voice_manager)
        if session is None:
            check_connect_permissions(find_channel_to_join(interaction, voice_manager))
        else:
            session.queue.check_capacity()
    return PlaybackTarget(
        interaction, voice_manager, audience, wanted=wanted, text_channel_id=requester.channel_id, origin=origin
    )
