"""The voice channel that a requester listens to: what they may do with the bot there, and where speech is played.

The bot speaks in no channel, in the one that it is in, or in one that it joins for the requester.
"""

import discord

from bot.context import Permission, RequestContext
from bot.discord_ui.context import permissions_of
from bot.discord_ui.voice.audience import Audience, Origin, RequesterLeft
from bot.discord_ui.voice.connection import VocalChannel
from bot.discord_ui.voice.join_checks import check_connect_permissions
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import MissingPermission, NotInGuild, UserError
from bot.messages import voice as texts
from bot.speech.utterance import Label, Utterance


class NotListening(UserError):
    """The requester is in no voice channel."""

    message = texts.not_listening()


class InAnotherVoiceChannel(UserError):
    """The bot speaks in another channel of the guild; `channel` is None where the requester may not view it."""

    def __init__(self, channel: VocalChannel | None) -> None:
        super().__init__(
            "in another channel",
            message=texts.in_hidden_channel() if channel is None else texts.in_another_channel(channel.mention),
        )


class NotInVoice(UserError):
    """The bot is in no voice channel of the guild, or in one that the requester may not view."""

    message = texts.not_in_voice()


def find_voice_channel_of(interaction: discord.Interaction) -> VocalChannel | None:
    """Return the voice channel that the requester is in, if any."""
    member = interaction.user
    voice = member.voice if isinstance(member, discord.Member) else None
    return None if voice is None else voice.channel


def find_session_of(interaction: discord.Interaction, voice_manager: VoiceManager) -> VoiceSession | None:
    """Return the session that the requester listens to, if any."""
    session, channel = voice_manager.get_session(interaction.guild_id), find_voice_channel_of(interaction)
    return session if session and channel and channel.id == session.channel.id else None


def get_visible_session(interaction: discord.Interaction, voice_manager: VoiceManager) -> VoiceSession:
    """Return the session of the requester's guild.

    Raises:
        NotInGuild: there is no guild.
        NotInVoice: the bot is in no voice channel there, or the requester is not in it and may not view it.
    """
    if interaction.guild_id is None:
        raise NotInGuild
    session = voice_manager.get_session(interaction.guild_id)
    if session is None or not _can_view(interaction, session.channel):
        raise NotInVoice
    return session


def find_channel_to_join(
    interaction: discord.Interaction, voice_manager: VoiceManager, *, named: VocalChannel | None = None
) -> VocalChannel:
    """Return the channel that the bot joins when the requester calls it: `named`, or the one that they are in.

    It is not taken away from others: a requester needs Move Members in a channel where others listen to it, and in
    `named`.

    Raises:
        NotInGuild: direct messages have no voice channels.
        MissingPermission: they may not send it to `named`.
        NotListening: they are in no voice channel, and `named` is None.
        InAnotherVoiceChannel: others listen to it in another channel.
    """
    if interaction.guild_id is None:
        raise NotInGuild
    if named is not None:
        require_permission_in(interaction, named, Permission.MOVE_MEMBERS)
    channel = named or find_voice_channel_of(interaction)
    if channel is None:
        raise NotListening
    session = voice_manager.get_session(interaction.guild_id)
    elsewhere = session.channel if session is not None and session.listener_ids else None
    if (
        elsewhere is None
        or elsewhere.id == channel.id
        or Permission.MOVE_MEMBERS in permissions_in(interaction, elsewhere)
    ):
        return channel
    raise InAnotherVoiceChannel(elsewhere if _can_view(interaction, elsewhere) else None)


def permissions_in(interaction: discord.Interaction, channel: discord.abc.GuildChannel) -> frozenset[Permission]:
    """Return the requester's permissions in a channel, which need not be the one that they ask in."""
    member = interaction.user
    return permissions_of(channel.permissions_for(member)) if isinstance(member, discord.Member) else frozenset()


def require_permission_in(
    interaction: discord.Interaction, channel: discord.abc.GuildChannel, permission: Permission
) -> None:
    """Check that the requester has `permission` in a channel.

    Raises:
        MissingPermission: they do not.
    """
    if permission not in permissions_in(interaction, channel):
        raise MissingPermission(permission, where=None if channel.id == interaction.channel_id else channel.mention)


def can_control_playback(interaction: discord.Interaction, session: VoiceSession) -> bool:
    """Return whether the requester may skip what others requested: as a moderator there, or alone with the bot."""
    if not permissions_in(interaction, session.channel).isdisjoint(
        {Permission.MOVE_MEMBERS, Permission.MANAGE_CHANNELS}
    ):
        return True
    return session.listener_ids == [interaction.user.id]


def _can_view(interaction: discord.Interaction, channel: VocalChannel) -> bool:
    """Return whether the requester is in a voice channel, or may view it."""
    member = interaction.user
    if member.id in channel.voice_states:
        return True
    return isinstance(member, discord.Member) and channel.permissions_for(member).view_channel


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
