"""Where the person who asks listens, and what they may do with the bot's voice there."""

import discord

from bot.caller import Caller, Right
from bot.errors import OutsideServer, Refusal
from bot.ui.voice.session import Session, VocalChannel
from bot.ui.voice.voices import Voices


class NotListening(Refusal):
    """Somebody asked for the bot's voice without hearing it."""

    sentence = "Join a voice channel first, then I can speak there."


class Elsewhere(Refusal):
    """The bot speaks in another channel of the server already."""

    def __init__(self, channel: VocalChannel) -> None:
        super().__init__(
            "in another channel",
            sentence=f"I'm in {channel.mention} at the moment. Come there, or ask me again when I'm done.",
        )


class NotInVoice(Refusal):
    """The bot is in no voice channel of the server."""

    sentence = "I'm in no voice channel here. `/voice join` brings me to yours."


def heard_channel(interaction: discord.Interaction) -> VocalChannel | None:
    """Tell in which voice channel the person who asks is."""
    member = interaction.user
    voice = member.voice if isinstance(member, discord.Member) else None
    return None if voice is None else voice.channel


def session_here(interaction: discord.Interaction, voices: Voices) -> Session | None:
    """Give the session that the person who asks listens to, if they do."""
    session, channel = voices.session(interaction.guild_id), heard_channel(interaction)
    return session if session and channel and channel.id == session.channel.id else None


def all_may_see(interaction: discord.Interaction, voices: Voices) -> bool:
    """Tell whether all who listen to the bot may read along where something is asked; true where nobody listens."""
    session, guild = voices.session(interaction.guild_id), interaction.guild
    if session is None or guild is None:
        return True
    place = guild.get_channel_or_thread(interaction.channel_id or 0)
    members = [guild.get_member(each) for each in session.listeners]
    return place is not None and all(each and place.permissions_for(each).view_channel for each in members)


def session_in_server(interaction: discord.Interaction, voices: Voices) -> Session:
    """Give the bot's voice in the server where somebody asks.

    Raises:
        OutsideServer: that is no server.
        NotInVoice: it is in no voice channel there.
    """
    if interaction.guild_id is None:
        raise OutsideServer
    session = voices.session(interaction.guild_id)
    if session is None:
        raise NotInVoice
    return session


def channel_to_join(interaction: discord.Interaction, caller: Caller, voices: Voices) -> VocalChannel:
    """Tell where the bot comes when this person calls it.

    It isn't taken away from others: who moves it from one channel to another has to be allowed to move members, unless
    nobody listens.

    Raises:
        OutsideServer: there are no voice channels in direct messages.
        NotListening: they are in no voice channel themselves.
        Elsewhere: others listen to it in another channel.
    """
    if interaction.guild_id is None:
        raise OutsideServer
    channel = heard_channel(interaction)
    if channel is None:
        raise NotListening
    session = voices.session(interaction.guild_id)
    elsewhere = session is not None and session.channel.id != channel.id
    if session is not None and elsewhere and session.listeners and not caller.may(Right.MOVE_MEMBERS):
        raise Elsewhere(session.channel)
    return channel


def may_hush(caller: Caller, session: Session) -> bool:
    """Whether this person may take the word from others: moderators, and who is alone with the bot."""
    if any(caller.may(right) for right in (Right.MOVE_MEMBERS, Right.MANAGE_CHANNELS)):
        return True
    return session.listeners == [caller.user_id]
