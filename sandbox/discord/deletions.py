"""Deleting messages, channels and threads, removing the bot from a guild, and guild outages."""

from collections.abc import Sequence

from sandbox.discord import serializers
from sandbox.discord.entities import Channel, Guild
from sandbox.discord.gateway.gateway import GUILD_MESSAGES, GUILDS, Gateway
from sandbox.discord.message_service import MessageService
from sandbox.discord.messages import Message
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.voice_states import VoiceStates
from sandbox.json_object import Json

FEWEST_IN_BULK, MOST_IN_BULK = 2, 100
OLDEST_IN_BULK_S = 14 * 24 * 3600  # https://discord.com/developers/docs/resources/message#bulk-delete-messages


class Deletions:
    """Deletes things and dispatches it to the gateway as Discord does; callers check permissions."""

    def __init__(
        self, state: DiscordState, gateway: Gateway, message_service: MessageService, voice_states: VoiceStates
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._message_service = message_service
        self._voice_states = voice_states

    def message(self, message: Message) -> None:
        """Delete a message; an ephemeral one without an event."""
        self._message_service.delete(message)

    def messages(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Bulk-delete messages of one channel.

        Raises:
            ValueError: not allowed: too few or too many, too old, of several channels, ephemeral, or in a DM channel.
        """
        oldest = self._state.now() - OLDEST_IN_BULK_S
        if not FEWEST_IN_BULK <= len(messages) <= MOST_IN_BULK or channel.is_direct:
            raise ValueError("Discord bulk-deletes 2 to 100 messages of a guild's channel")
        if any(each.channel_id != channel.id or each.ephemeral or each.created_at < oldest for each in messages):
            raise ValueError("one of these is in another channel, ephemeral or too old")
        for message in messages:
            message.deleted = True
        ids = [str(message.id) for message in messages]
        data: Json = {"ids": ids, "channel_id": str(channel.id), "guild_id": str(channel.guild_id)}
        self._gateway.dispatch("MESSAGE_DELETE_BULK", data, guild_id=channel.guild_id, intents=GUILD_MESSAGES)
        self._state.changed.notify()

    def channel(self, channel: Channel) -> None:
        """Delete a channel with its messages and threads, or a thread; as at Discord only this one gets an event.

        Users in a voice channel are disconnected.

        Raises:
            ValueError: it is a DM channel, which can't be deleted.
        """
        guild = self._state.guild_of(channel)
        if guild is None:
            raise ValueError("a DM channel can't be deleted")
        data = serializers.channel(channel, self._state)
        if channel.is_thread:
            data = {name: data[name] for name in ("id", "guild_id", "parent_id", "type")}
        for gone in [each for each in guild.channels.values() if channel.id in (each.id, each.parent_id)]:
            for message in self._state.messages.get(gone.id, []):
                message.deleted = True
            del guild.channels[gone.id]
        name = "THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE"
        self._gateway.dispatch(name, data, guild_id=guild.id, intents=GUILDS)
        self._voice_states.disconnect_all(channel)
        self._state.changed.notify()

    def bot(self, guild: Guild) -> None:
        """Remove the bot from a guild: it was kicked or banned, or left."""
        self._voice_states.leave(guild, self._state.bot)
        self._gateway.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild_id=guild.id, intents=GUILDS)
        del guild.members[self._state.bot.id]
        self._state.changed.notify()

    def readd_bot(self, guild: Guild) -> None:
        """Add the bot to a guild again."""
        roles = [role for role in guild.roles.values() if role.bot_id == self._state.bot.id]
        self._state.add_member(guild, self._state.bot, roles=roles)
        self._gateway.dispatch_guild(guild, joined=True)

    def outage(self, guild: Guild) -> None:
        """Start a guild outage: the guild is unavailable, and the bot is still a member."""
        data: Json = {"id": str(guild.id), "unavailable": True}
        self._gateway.dispatch("GUILD_DELETE", data, guild_id=guild.id, intents=GUILDS)
        guild.unavailable = True

    def end_outage(self, guild: Guild) -> None:
        """End a guild outage."""
        guild.unavailable = False
        self._gateway.dispatch_guild(guild)
