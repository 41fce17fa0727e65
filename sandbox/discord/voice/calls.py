"""The bot's calls, at most one per guild: what the websocket and the UDP side of the voice server share."""

import functools
import itertools

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import ChannelType, User, VoiceState
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.call import Call
from sandbox.discord.voice.dave import DaveGroup
from sandbox.discord.voice.protocol import VoiceOpcode
from sandbox.discord.voice.recording import Recorder


class VoiceCalls:
    """Keeps the calls and their recorders, and sends to their connections.

    Args:
        state: where the channels and their users are.
        changed: notified for every message.
        encrypts: whether audio is encrypted end to end, except on stages.
    """

    def __init__(self, state: DiscordState, changed: ChangeSignal, *, encrypts: bool) -> None:
        self._state = state
        self._changed = changed
        self._encrypts = encrypts
        self._by_guild: dict[int, Call] = {}
        self._by_ssrc: dict[int, Call] = {}
        self._recorders: dict[int, Recorder] = {}
        self._numbers = itertools.count(1)
        self._ssrcs = itertools.count(1001)

    def get(self, guild_id: int) -> Call | None:
        """Return the bot's call in a guild."""
        return self._by_guild.get(guild_id)

    def get_by_ssrc(self, ssrc: int) -> Call | None:
        """Return the call whose audio has this SSRC."""
        return self._by_ssrc.get(ssrc)

    def get_recorder(self, guild_id: int) -> Recorder:
        """Return the recorder of a guild."""
        if guild_id not in self._recorders:
            self._recorders[guild_id] = Recorder(self._state, self._state.guilds[guild_id])
        return self._recorders[guild_id]

    def add(self, guild_id: int, voice_state: VoiceState) -> Call:
        """Add a call to which the bot may connect."""
        call = Call(next(self._numbers), guild_id, voice_state, next(self._ssrcs))
        self._by_guild[guild_id] = self._by_ssrc[call.ssrc] = call
        return call

    def remove(self, guild_id: int) -> Call | None:
        """Remove and return the call in a guild, if there is one."""
        call = self._by_guild.pop(guild_id, None)
        if call is not None:
            del self._by_ssrc[call.ssrc]
        return call

    def list_others(self, call: Call) -> list[User]:
        """Return the users in the call's channel besides the bot."""
        states = self._state.guilds[call.guild_id].within(call.voice_state.channel)
        return [voice_state.user for voice_state in states if voice_state.user.id != call.user_id]

    def user_joined(self, guild_id: int, user: User) -> None:
        """Tell the bot that a user joined its channel."""
        call = self.get(guild_id)
        if call is not None and call.described:
            self.send(call, VoiceOpcode.CLIENTS_CONNECT, {"user_ids": [str(user.id)]})
            if call.group is not None:
                call.group.add_user(user.id)

    def user_left(self, guild_id: int, user: User) -> None:
        """Tell the bot that a user left its channel."""
        call = self.get(guild_id)
        if call is not None and call.described:
            self.send(call, VoiceOpcode.CLIENT_DISCONNECT, {"user_id": str(user.id)})
            if call.group is not None:
                call.group.remove_user(user.id)

    def is_encrypted(self, call: Call) -> bool:
        """Return whether a call's audio is encrypted end to end."""
        return self._encrypts and call.voice_state.channel.type is not ChannelType.STAGE

    def start_group(self, call: Call) -> None:
        """Start the group of a call's end-to-end encryption."""
        send = functools.partial(self.send, call)
        send_binary = functools.partial(self.send_binary, call)
        call.group = DaveGroup(call.voice_state.channel.id, call.user_id, send, send_binary)
        call.group.announce_sender()

    def add_bot_to_group(self, call: Call, key_package: bytes) -> None:
        """Add the bot to the group of its channel.

        Raises:
            MalformedMls: it is no key package.
        """
        if call.group is not None:
            call.group.add_bot(key_package, [user.id for user in self.list_others(call)])

    def send(self, call: Call, op: VoiceOpcode, data: object) -> None:
        """Send the bot a message."""
        call.send(op, data)
        self._changed.notify()

    def send_binary(self, call: Call, op: VoiceOpcode, data: bytes) -> None:
        """Send the bot a binary message."""
        call.send_binary(op, data)
        self._changed.notify()
