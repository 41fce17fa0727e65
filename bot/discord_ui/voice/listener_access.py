"""Where the person who asks listens, and what they may do with the bot's voice there."""

import discord

from bot.context import Permission
from bot.discord_ui.context import permissions_of
from bot.discord_ui.voice.connection import VocalChannel
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.session import VoiceSession
from bot.errors import MissingPermission, NotInGuild, UserError
from bot.messages import voice as texts


class NotListening(UserError):
    """Somebody asked for the bot's voice without hearing it."""

    message = texts.not_listening()


class InAnotherVoiceChannel(UserError):
    """The bot speaks in another channel of the server already; `channel` is None where that is hidden from them."""

    def __init__(self, channel: VocalChannel | None) -> None:
        super().__init__(
            "in another channel",
            message=texts.in_hidden_channel() if channel is None else texts.in_another_channel(channel.mention),
        )


class NotInVoice(UserError):
    """The bot is in no voice channel of the server, or in one that is hidden from who asks."""

    message = texts.not_in_voice()


def heard_channel(interaction: discord.Interaction) -> VocalChannel | None:
    """Tell in which voice channel the person who asks is."""
    member = interaction.user
    voice = member.voice if isinstance(member, discord.Member) else None
    return None if voice is None else voice.channel


def session_here(interaction: discord.Interaction, voices: VoiceManager) -> VoiceSession | None:
    """Give the session that the person who asks listens to, if they do."""
    session, channel = voices.session(interaction.guild_id), heard_channel(interaction)
    return session if session and channel and channel.id == session.channel.id else None


def session_seen(interaction: discord.Interaction, voices: VoiceManager) -> VoiceSession:
    """Give the bot's voice in the server where somebody asks, if they are in that voice channel or may view it.

    Raises:
        NotInGuild: that is no server.
        NotInVoice: it is in no voice channel there that they may know of.
    """
    if interaction.guild_id is None:
        raise NotInGuild
    session = voices.session(interaction.guild_id)
    if session is None or not _sees(interaction, session.channel):
        raise NotInVoice
    return session


def channel_to_join(
    interaction: discord.Interaction, voices: VoiceManager, *, named: VocalChannel | None = None
) -> VocalChannel:
    """Tell where the bot comes when this person calls it: to `named`, or to where they are.

    It isn't taken away from others: who moves it from one channel to another has to be allowed to move members where
    they listen to it, and where it is to come if that isn't their own channel.

    Raises:
        NotInGuild: there are no voice channels in direct messages.
        MissingPermission: they may not send it to `named`.
        NotListening: they are in no voice channel themselves.
        InAnotherVoiceChannel: others listen to it in another channel.
    """
    if interaction.guild_id is None:
        raise NotInGuild
    if named is not None:
        require_in(interaction, named, Permission.MOVE_MEMBERS)
    channel = named or heard_channel(interaction)
    if channel is None:
        raise NotListening
    session = voices.session(interaction.guild_id)
    elsewhere = session.channel if session is not None and session.listeners else None
    if elsewhere is None or elsewhere.id == channel.id or Permission.MOVE_MEMBERS in rights_in(interaction, elsewhere):
        return channel
    raise InAnotherVoiceChannel(elsewhere if _sees(interaction, elsewhere) else None)


def rights_in(interaction: discord.Interaction, channel: discord.abc.GuildChannel) -> frozenset[Permission]:
    """Return the rights that the person who asks has in a channel, which need not be the one where they ask."""
    member = interaction.user
    return permissions_of(channel.permissions_for(member)) if isinstance(member, discord.Member) else frozenset()


def require_in(interaction: discord.Interaction, channel: discord.abc.GuildChannel, right: Permission) -> None:
    """Do nothing if the person who asks holds `right` in a channel.

    Raises:
        MissingPermission: they don't.
    """
    if right not in rights_in(interaction, channel):
        raise MissingPermission(right, where=None if channel.id == interaction.channel_id else channel.mention)


def may_hush(interaction: discord.Interaction, session: VoiceSession) -> bool:
    """Whether this person may take the word from others: moderators of the channel, and who is alone with the bot."""
    if not rights_in(interaction, session.channel).isdisjoint({Permission.MOVE_MEMBERS, Permission.MANAGE_CHANNELS}):
        return True
    return session.listeners == [interaction.user.id]


def _sees(interaction: discord.Interaction, channel: VocalChannel) -> bool:
    """Whether the person who asks is in a voice channel, or may view it."""
    member = interaction.user
    if member.id in channel.voice_states:
        return True
    return isinstance(member, discord.Member) and channel.permissions_for(member).view_channel
