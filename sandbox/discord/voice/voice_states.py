"""Who is in which voice channel: the bot at its own wish, people as they come and go, all told to the gateway."""

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

ENTER = Permission.VIEW_CHANNEL | Permission.CONNECT


class VoiceStates:
    """Changes the guilds' voice states and tells whom it concerns, as Discord does. Who may do so is for others to ask.

    To a wish that is not granted Discord says nothing at all, and so does this.
    """

    def __init__(self, state: DiscordState, gateway: Gateway, server: VoiceServer, faults: VoiceFaults) -> None:
        self._state = state
        self._gateway = gateway
        self._server = server
        self._faults = faults
        self._sessions: dict[int, Session] = {}  # the gateway session that each guild's call was asked for in

    # ------------------------------------------------------------------ the gateway's door

    def update_voice_state(self, session: Session, data: Mapping[str, Any]) -> None:  # Any: JSON
        """Take the bot's wish to enter, change or leave a channel (op 4).

        It is told its state first and then the server. Asked again for the channel where it is connected already, it
        is told its state only.
        """
        guild = self._state.guilds.get(_number(data.get("guild_id")))
        if guild is None or not self._state.reaches_bot(guild.id):
            return
        voice_state = guild.voice_states.get(self._state.bot.id)
        if data.get("channel_id") is None:
            if voice_state is not None:
                self.leave(guild, self._state.bot)
            return
        channel = guild.channels.get(_number(data["channel_id"]))
        if channel is None or not self.admits(self._state.bot, channel) or self._faults.take_unanswered("gateway"):
            return
        muted, deafened = data.get("self_mute") is True, data.get("self_deaf") is True
        call = self._server.calls.get(guild.id)
        stays = voice_state is not None and voice_state.channel is channel and voice_state.session_id == session.id
        self._sessions[guild.id] = session
        self._place(guild, self._state.bot, channel, session.id, self_mute=muted, self_deaf=deafened)
        if not stays or call is None or not call.connected:
            self._tell_server(guild)

    def ended(self, session: Session) -> None:
        """Let the bot be gone from where a session of the gateway had put it, since that is over."""
        for guild in self._state.guilds.values():
            voice_state = guild.voice_states.get(self._state.bot.id)
            if voice_state is not None and voice_state.session_id == session.id:
                self.leave(guild, self._state.bot, code=VoiceCloseCode.SESSION_INVALID)

    # ------------------------------------------------------------------ coming and going

    def admits(self, user: User, channel: Channel) -> bool:
        """Whether Discord lets somebody into a channel: the permissions are there, and a place is free."""
        held = self._state.permissions(user, channel)
        if not channel.is_voice or held & ENTER != ENTER:
            return False
        guild = self._state.guild_of(channel)
        others = 0 if guild is None else sum(voice_state.user is not user for voice_state in guild.within(channel))
        return not channel.user_limit or others < channel.user_limit or bool(held & Permission.MOVE_MEMBERS)

    def enter(self, user: User, channel: Channel) -> None:
        """Let a person come into a channel, from another or from nowhere."""
        guild = self._state.guilds[channel.guild_id or 0]
        before = guild.voice_states.get(user.id)
        self._place(guild, user, channel, secrets.token_hex(16) if before is None else before.session_id)

    def leave(self, guild: Guild, user: User, *, code: int = VoiceCloseCode.DISCONNECTED) -> None:
        """Take somebody out of voice; the bot's call there is ended with `code`."""
        voice_state = guild.voice_states.pop(user.id, None)
        if voice_state is None:
            return
        if user is self._state.bot:
            self._sessions.pop(guild.id, None)
        self._tell(guild, voice_state, gone=True)
        if user is self._state.bot:
            self._server.end(guild.id, code)
        else:
            self._told_bot(guild, voice_state.channel, user, came=False)

    def move_bot(self, guild: Guild, channel: Channel) -> None:
        """Move the bot to another channel of the guild: its old call ends, and it is told where the new one is.

        Raises:
            ValueError: it is not in voice there.
        """
        voice_state = guild.voice_states.get(self._state.bot.id)
        if voice_state is None:
            raise ValueError("the bot is in no voice channel there")
        self._place(
            guild,
            voice_state.user,
            channel,
            voice_state.session_id,
            self_mute=voice_state.self_mute,
            self_deaf=voice_state.self_deaf,
        )
        self._tell_server(guild)

    def renew(self, guild: Guild) -> None:
        """Give the bot's call in a guild a new token, and the server as it is now; the old call closes.

        Raises:
            ValueError: it is not in voice there.
        """
        if self._state.bot.id not in guild.voice_states:
            raise ValueError("the bot is in no voice channel there")
        self._tell_server(guild)

    def allow_speaking(self, voice_state: VoiceState, *, suppress: bool, asked_at: float | None) -> None:
        """Let the bot speak on a stage, or no more, or wait to be let."""
        guild = self._state.guilds[voice_state.channel.guild_id or 0]
        voice_state.suppress, voice_state.asked_to_speak_at = suppress, asked_at
        self._tell(guild, voice_state)

    def empty(self, channel: Channel) -> None:
        """Take everybody out of a channel that is gone."""
        guild = self._state.guilds[channel.guild_id or 0]
        for voice_state in guild.within(channel):
            self.leave(guild, voice_state.user)

    # ------------------------------------------------------------------ what they share

    def _place(
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
            self._tell(guild, before)
            return
        silenced = channel.type is ChannelType.STAGE or not self._state.permissions(user, channel) & Permission.SPEAK
        voice_state = VoiceState(user, channel, session_id, self_mute, self_deaf, suppress=silenced)
        guild.voice_states[user.id] = voice_state
        self._tell(guild, voice_state)
        if user is not self._state.bot:
            if before is not None:
                self._told_bot(guild, before.channel, user, came=False)
            self._told_bot(guild, channel, user, came=True)

    def _tell(self, guild: Guild, voice_state: VoiceState, *, gone: bool = False) -> None:
        self._gateway.dispatch(
            "VOICE_STATE_UPDATE",
            serializers.voice_state(voice_state, guild, gone=gone),
            guild_id=guild.id,
            intents=GUILD_VOICE_STATES,
        )
        self._state.changed.notify()

    def _tell_server(self, guild: Guild) -> None:
        voice_state, session = guild.voice_states[self._state.bot.id], self._sessions[guild.id]
        call = self._server.expect(guild.id, voice_state)
        if self._faults.take_unanswered("server update"):
            return
        server = {"token": call.token, "guild_id": str(guild.id), "endpoint": self._server.endpoint}
        self._gateway.send_to(session, "VOICE_SERVER_UPDATE", server)

    def _told_bot(self, guild: Guild, channel: Channel, user: User, *, came: bool) -> None:
        voice_state = guild.voice_states.get(self._state.bot.id)
        if voice_state is not None and voice_state.channel is channel:
            (self._server.came if came else self._server.went)(guild.id, user)


def _number(value: object) -> int:
    """An id as it stands in JSON; 0, which nothing has, where it is none."""
    return int(str(value)) if str(value).isdecimal() else 0
