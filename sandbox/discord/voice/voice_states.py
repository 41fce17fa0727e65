"""Voice states: who is in which voice channel, dispatched to the gateway."""

import secrets
from collections.abc import Mapping
from typing import Any

from sandbox.discord import serializers
from sandbox.discord.entities import Channel, ChannelType, Guild, User, VoiceState
from sandbox.discord.gateway.gateway import GUILD_VOICE_STATES, Gateway
from sandbox.discord.gateway.session import Session
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.protocol import VoiceCloseCode
from sandbox.discord.voice.server import VoiceServer

JOIN = Permission.VIEW_CHANNEL | Permission.CONNECT


class VoiceStates:
    """Changes the guilds' voice states and dispatches the changes, as Discord does; callers check permissions.

    A voice state update (op 4) that is not permitted gets no answer at all, as from Discord.
    """

    def __init__(self, state: DiscordState, gateway: Gateway, server: VoiceServer, faults: VoiceFaults) -> None:
        self._state = state
        self._gateway = gateway
        self._server = server
        self._faults = faults
        self._sessions: dict[int, Session] = {}  # by guild: the gateway session that asked for the call

    # ------------------------------------------------------------------ from the gateway

    def update_voice_state(self, session: Session, data: Mapping[str, Any]) -> None:  # Any: JSON
        """Handle a voice state update (op 4): the bot joins, changes or leaves a channel.

        It gets VOICE_STATE_UPDATE first and then VOICE_SERVER_UPDATE; for the channel where it is already connected
        only the first.
        """
        guild = self._state.guilds.get(_id(data.get("guild_id")))
        if guild is None or not self._state.reaches_bot(guild.id):
            return
        voice_state = guild.voice_states.get(self._state.bot.id)
        if data.get("channel_id") is None:
            if voice_state is not None:
                self.leave(guild, self._state.bot)
            return
        channel = guild.channels.get(_id(data["channel_id"]))
        if channel is None or not self.can_join(self._state.bot, channel) or self._faults.take_unanswered("gateway"):
            return
        muted, deafened = data.get("self_mute") is True, data.get("self_deaf") is True
        call = self._server.calls.get(guild.id)
        stays = voice_state is not None and voice_state.channel is channel and voice_state.session_id == session.id
        self._sessions[guild.id] = session
        self._set(guild, self._state.bot, channel, session.id, self_mute=muted, self_deaf=deafened)
        if not stays or call is None or not call.connected:
            self._send_server(guild)

    def session_ended(self, session: Session) -> None:
        """Disconnect the bot from the voice channels that an ended gateway session joined."""
        for guild in self._state.guilds.values():
            voice_state = guild.voice_states.get(self._state.bot.id)
            if voice_state is not None and voice_state.session_id == session.id:
                self.leave(guild, self._state.bot, code=VoiceCloseCode.SESSION_INVALID)

    # ------------------------------------------------------------------ joining and leaving

    def can_join(self, user: User, channel: Channel) -> bool:
        """Return whether a user may join a channel: by permission and user limit."""
        held = self._state.permissions(user, channel)
        if not channel.is_voice or held & JOIN != JOIN:
            return False
        guild = self._state.guild_of(channel)
        others = 0 if guild is None else sum(voice_state.user is not user for voice_state in guild.within(channel))
        return not channel.user_limit or others < channel.user_limit or bool(held & Permission.MOVE_MEMBERS)

    def join(self, user: User, channel: Channel) -> None:
        """Let a user join a channel, also from another."""
        guild = self._state.guilds[channel.guild_id or 0]
        before = guild.voice_states.get(user.id)
        self._set(guild, user, channel, secrets.token_hex(16) if before is None else before.session_id)

    def leave(self, guild: Guild, user: User, *, code: int = VoiceCloseCode.DISCONNECTED) -> None:
        """Disconnect a user from voice; the bot's call there is ended with `code`."""
        voice_state = guild.voice_states.pop(user.id, None)
        if voice_state is None:
            return
        if user is self._state.bot:
            self._sessions.pop(guild.id, None)
        self._dispatch(guild, voice_state, left=True)
        if user is self._state.bot:
            self._server.end(guild.id, code)
        else:
            self._notify_call(guild, voice_state.channel, user, joined=False)

    def move_bot(self, guild: Guild, channel: Channel) -> None:
        """Move the bot to another channel of the guild: its call ends, and it gets the server of the new one.

        Raises:
            ValueError: it is in no voice channel there.
        """
        voice_state = guild.voice_states.get(self._state.bot.id)
        if voice_state is None:
            raise ValueError("the bot is in no voice channel there")
        self._set(
            guild,
            voice_state.user,
            channel,
            voice_state.session_id,
            self_mute=voice_state.self_mute,
            self_deaf=voice_state.self_deaf,
        )
        self._send_server(guild)

    def replace_call(self, guild: Guild) -> None:
        """Replace the bot's call by one with a new token on the current server.

        Raises:
            ValueError: it is in no voice channel there.
        """
        if self._state.bot.id not in guild.voice_states:
            raise ValueError("the bot is in no voice channel there")
        self._send_server(guild)

    def set_suppress(self, voice_state: VoiceState, *, suppress: bool, asked_at: float | None) -> None:
        """Set whether a user is in a stage's audience, and since when it asks to speak."""
        guild = self._state.guilds[voice_state.channel.guild_id or 0]
        voice_state.suppress, voice_state.asked_to_speak_at = suppress, asked_at
        self._dispatch(guild, voice_state)

    def disconnect_all(self, channel: Channel) -> None:
        """Disconnect everyone from a deleted channel."""
        guild = self._state.guilds[channel.guild_id or 0]
        for voice_state in guild.within(channel):
            self.leave(guild, voice_state.user)

    def _set(
        self,
        guild: Guild,
        user: User,
        channel: Channel,
        session_id: str,
        *,
        self_mute: bool = False,
        self_deaf: bool = False,
    ) -> None:
        before = guild.voice_states.get(user.id)
        if before is not None and before.channel is channel and before.session_id == session_id:
            before.self_mute, before.self_deaf = self_mute, self_deaf
            self._dispatch(guild, before)
            return
        suppressed = channel.type is ChannelType.STAGE or not self._state.permissions(user, channel) & Permission.SPEAK
        voice_state = VoiceState(user, channel, session_id, self_mute, self_deaf, suppress=suppressed)
        guild.voice_states[user.id] = voice_state
        self._dispatch(guild, voice_state)
        if user is not self._state.bot:
            if before is not None:
                self._notify_call(guild, before.channel, user, joined=False)
            self._notify_call(guild, channel, user, joined=True)

    def _dispatch(self, guild: Guild, voice_state: VoiceState, *, left: bool = False) -> None:
        self._gateway.dispatch(
            "VOICE_STATE_UPDATE",
            serializers.voice_state(voice_state, guild, left=left),
            guild_id=guild.id,
            intents=GUILD_VOICE_STATES,
        )
        self._state.changed.notify()

    def _send_server(self, guild: Guild) -> None:
        voice_state, session = guild.voice_states[self._state.bot.id], self._sessions[guild.id]
        call = self._server.expect(guild.id, voice_state)
        if self._faults.take_unanswered("server update"):
            return
        server = {"token": call.token, "guild_id": str(guild.id), "endpoint": self._server.endpoint}
        self._gateway.send_to(session, "VOICE_SERVER_UPDATE", server)

    def _notify_call(self, guild: Guild, channel: Channel, user: User, *, joined: bool) -> None:
        voice_state = guild.voice_states.get(self._state.bot.id)
        if voice_state is not None and voice_state.channel is channel:
            calls = self._server.calls
            (calls.user_joined if joined else calls.user_left)(guild.id, user)


def _id(value: object) -> int:
    """Return an id from JSON; 0, which no entity has, for anything else."""
    return int(str(value)) if str(value).isdecimal() else 0
