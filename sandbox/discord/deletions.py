"""What goes away: messages, threads, channels, and the bot's place in a guild; and guilds that are out for a while."""

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
    """Takes things out of the world and tells the gateway as Discord does. Who may do so is for others to ask."""

    def __init__(
        self, state: DiscordState, gateway: Gateway, message_service: MessageService, voice_states: VoiceStates
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._message_service = message_service
        self._voice_states = voice_states

    def message(self, message: Message) -> None:
        """Take one message away; of an ephemeral one nobody is told."""
        self._message_service.delete(message)

    def messages(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Take several messages of one channel away in one go.

        Raises:
            ValueError: Discord would not: too few or too many, too old, elsewhere, ephemeral or in a direct message.
        """
        oldest = self._state.now() - OLDEST_IN_BULK_S
        if not FEWEST_IN_BULK <= len(messages) <= MOST_IN_BULK or channel.is_direct:
            raise ValueError("Discord deletes 2 to 100 messages of a server's channel in one go")
        if any(each.channel_id != channel.id or each.ephemeral or each.created_at < oldest for each in messages):
            raise ValueError("one of these is elsewhere, ephemeral or too old")
        for message in messages:
            message.deleted = True
        ids = [str(message.id) for message in messages]
        data: Json = {"ids": ids, "channel_id": str(channel.id), "guild_id": str(channel.guild_id)}
        self._gateway.dispatch("MESSAGE_DELETE_BULK", data, guild_id=channel.guild_id, intents=GUILD_MESSAGES)
        self._state.changed.notify()

    def channel(self, channel: Channel) -> None:
        """Take a channel away with its messages and threads, or a thread. Of the threads and messages nobody is told.

        Whoever is in a voice channel is out of it then.

        Raises:
            ValueError: it is a direct message, which nobody can delete.
        """
        guild = self._state.guild_of(channel)
        if guild is None:
            raise ValueError("a direct message cannot be deleted")
        told = serializers.channel(channel, self._state)
        if channel.is_thread:
            told = {name: told[name] for name in ("id", "guild_id", "parent_id", "type")}
        for gone in [each for each in guild.channels.values() if channel.id in (each.id, each.parent_id)]:
            for message in self._state.messages.get(gone.id, []):
                message.deleted = True
            del guild.channels[gone.id]
        name = "THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE"
        self._gateway.dispatch(name, told, guild_id=guild.id, intents=GUILDS)
        self._voice_states.disconnect_all(channel)
        self._state.changed.notify()

    def bot(self, guild: Guild) -> None:
        """Take the bot out of a guild: it was kicked or banned, or left."""
        self._voice_states.leave(guild, self._state.bot)
        self._gateway.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild_id=guild.id, intents=GUILDS)
        del guild.members[self._state.bot.id]
        self._state.changed.notify()

    def bring_back(self, guild: Guild) -> None:
        """Let the bot into a guild again."""
        roles = [role for role in guild.roles.values() if role.bot_id == self._state.bot.id]
        self._state.add_member(guild, self._state.bot, roles=roles)
        self._gateway.dispatch_guild(guild, joined=True)

    def outage(self, guild: Guild) -> None:
        """Let a guild be unavailable: Discord's own trouble, which it is not to be blamed for."""
        data: Json = {"id": str(guild.id), "unavailable": True}
        self._gateway.dispatch("GUILD_DELETE", data, guild_id=guild.id, intents=GUILDS)
        guild.unavailable = True

    def recovery(self, guild: Guild) -> None:
        """Let an outage be over."""
        guild.unavailable = False
        self._gateway.dispatch_guild(guild)
