"""The gateway: connections, sessions by shard, event dispatch and resuming."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from sandbox.discord import serializers
from sandbox.discord.entities import Channel, Guild
from sandbox.discord.gateway.session import CloseCode, CloseConnection, Connection, Opcode, Session
from sandbox.discord.messages import Message
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.discord.traffic_log import TrafficLog
from sandbox.json_object import Json

HEARTBEAT_MS = 41_250
LARGEST_MESSAGE = 4096  # bytes of one message from a client
PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)
MESSAGE_CONTENT = 1 << 15
GUILDS = 1 << 0
GUILD_VOICE_STATES = 1 << 7
GUILD_MESSAGES = 1 << 9
DIRECT_MESSAGES = 1 << 12


class VoiceStateHandler(Protocol):
    """Handles voice state updates."""

    def update_voice_state(self, session: Session, data: Mapping[str, Any]) -> None:  # Any: JSON
        """Handle a session's voice state update (op 4)."""
        ...

    def session_ended(self, session: Session) -> None:
        """Handle the end of a session that can't be resumed."""
        ...


class Gateway:
    """Accepts connections and dispatches events to the sessions that get them."""

    def __init__(self, state: DiscordState, traffic_log: TrafficLog, token: str) -> None:
        self.url = ""
        """Its address; set when it listens."""
        self.identifies_left = 1000
        """The remaining session starts in `GET /gateway/bot`; an identify beyond them fails."""
        self.identifies_reset_in_s = 0.0
        """Seconds until they are reset, in `GET /gateway/bot`."""
        self.heartbeat_ms = HEARTBEAT_MS
        """The heartbeat interval for new connections."""
        self.acknowledges_heartbeats = True
        """Whether heartbeats are acknowledged."""
        self.readies = 0
        self.resumes = 0
        self.voice_state_handler: VoiceStateHandler | None = None
        """Handles op 4; None without voice."""
        self._state = state
        self._traffic_log = traffic_log
        self._token = token
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are connected or can be resumed."""
        return list(self._sessions.values())

    def dispatch(self, name: str, data: Json, *, guild_id: int | None, intents: int = 0) -> bool:
        """Dispatch an event and return whether any session got it.

        Args:
            guild_id: the event's guild; None for DMs.
            intents: intent bits of which a session needs one; 0 for no condition.
        """
        sent = False
        for session in self._list_receivers(guild_id):
            if not intents or session.intents & intents:
                self._dispatch(session, name, data)
                sent = True
        return sent

    def dispatch_message(self, name: str, message: Message) -> None:
        """Dispatch a message event, with the content that a session's intents allow."""
        if not self._bot_can_view(message):
            return
        intents = DIRECT_MESSAGES if message.guild_id is None else GUILD_MESSAGES
        where: Json = {} if message.guild_id is None else {"guild_id": str(message.guild_id)}
        for session in self._list_receivers(message.guild_id):
            if not session.intents & intents:
                continue
            if name == "MESSAGE_DELETE":
                data: Json = {"id": str(message.id), "channel_id": str(message.channel_id), **where}
            else:
                data = {**self._serialize_readable(message, session), **where}
                guild = None if message.guild_id is None else self._state.guilds[message.guild_id]
                if guild is not None and message.author.id in guild.members and message.interaction_id is None:
                    data["member"] = serializers.member(guild.members[message.author.id], with_user=False)
            self._dispatch(session, name, data)

    def dispatch_guild(self, guild: Guild, *, joined: bool = False) -> None:
        """Dispatch GUILD_CREATE, after an outage or because the bot `joined`."""
        for session in self._list_receivers(guild.id):
            if session.intents & GUILDS:
                data = self._guild(guild, session)
                if joined:
                    del data["unavailable"]  # discord.py distinguishes the two by this key
                self._dispatch(session, "GUILD_CREATE", data)

    def send_to(self, session: Session, name: str, data: Json) -> None:
        """Dispatch an event to one session."""
        self._dispatch(session, name, data)

    def dispatch_channel(self, channel: Channel, *, new: bool = False) -> None:
        """Dispatch the creation or update of a guild's channel."""
        name = "CHANNEL_CREATE" if new else "CHANNEL_UPDATE"
        self.dispatch(name, serializers.channel(channel, self._state), guild_id=channel.guild_id, intents=GUILDS)

    async def disconnect_all(self, *, code: int = 4000, forget: bool = False) -> None:
        """Close every connection; with `forget` the sessions can't be resumed."""
        if forget:
            for session in self.sessions:
                self._forget(session)
        for connection in list(self._connections):
            connection.cut = True
            await connection.socket.close(code=code)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection."""
        socket = web.WebSocketResponse(max_msg_size=1 << 20, autoclose=True)
        await socket.prepare(request)
        connection = Connection(socket)
        self._connections.add(connection)
        connection.send(Opcode.HELLO, {"heartbeat_interval": self.heartbeat_ms})
        writer = asyncio.create_task(connection.write())
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT or len(frame.data.encode()) > LARGEST_MESSAGE:
                    raise CloseConnection(CloseCode.DECODE_ERROR, "Error while decoding payload.")
                connection.count()
                self._receive(connection, frame.data)
        except CloseConnection as closing:
            while not connection.queue.empty():  # send what was queued before
                await socket.send_str(connection.queue.get_nowait())
            await socket.close(code=closing.code, message=closing.reason.encode())
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._connections.discard(connection)
            self._detach(connection)
        return socket

    def _receive(self, connection: Connection, text: str) -> None:
        op, data = _decode(text)
        session = connection.session
        kept = {key: value for key, value in data.items() if key != "token"} if isinstance(data, dict) else None
        shard = session.shard if session is not None else -1
        self._traffic_log.record_event(sent=False, shard=shard, op=int(op), name=op.name, data=kept)
        if op is Opcode.HEARTBEAT:
            if self.acknowledges_heartbeats:
                connection.send(Opcode.HEARTBEAT_ACK, None)
        elif op in (Opcode.IDENTIFY, Opcode.RESUME):
            self._begin(connection, op, data)
        elif session is None:
            raise CloseConnection(CloseCode.NOT_AUTHENTICATED, "Not authenticated.")
        elif isinstance(data, dict):
            self._receive_in_session(session, op, data)

    def _begin(self, connection: Connection, op: Opcode, data: object) -> None:
        if connection.session is not None:
            raise CloseConnection(CloseCode.ALREADY_AUTHENTICATED, "Already authenticated.")
        if not isinstance(data, dict):
            raise CloseConnection(CloseCode.DECODE_ERROR, "Error while decoding payload.")
        if data.get("token") != self._token:
            raise CloseConnection(CloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        (self._identify if op is Opcode.IDENTIFY else self._resume)(connection, data)

    def _receive_in_session(self, session: Session, op: Opcode, data: Json) -> None:
        if op is Opcode.REQUEST_MEMBERS:
            self._send_members(session, data)
        elif op is Opcode.VOICE_STATE and self.voice_state_handler is not None:
            self.voice_state_handler.update_voice_state(session, data)
        # Presence updates have no effect.

    def _identify(self, connection: Connection, data: Mapping[str, Any]) -> None:  # Any: JSON
        intents = self._read_intents(data)
        if self.identifies_left <= 0:
            raise CloseConnection(CloseCode.AUTHENTICATION_FAILED, "Too many sessions were begun: the token was reset.")
        self.identifies_left -= 1
        shard, shards = data.get("shard") or (0, 1)
        if not 0 <= shard < shards:
            raise CloseConnection(CloseCode.INVALID_SHARD, "Invalid shard.")
        for old in [each for each in self._sessions.values() if each.shard == shard and each.connection is None]:
            self._forget(old)  # of a process that ended
        session = Session(shard, shards, intents)
        self._sessions[session.id] = session
        self._attach(connection, session)
        guilds = [guild for guild in self._state.bot_guilds if session.serves(guild.id)]
        self._dispatch(session, "READY", self._ready(session, guilds))
        for guild in guilds:
            if intents & GUILDS and not guild.unavailable:  # else it is sent after the outage
                self._dispatch(session, "GUILD_CREATE", self._guild(guild, session))
        self.readies += 1
        self._traffic_log.changed.notify()

    def _ready(self, session: Session, guilds: Sequence[Guild]) -> Json:
        return {
            "v": 10,
            "user": serializers.own_user(self._state.bot),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(self._state.application_id), "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
        }

    def _read_intents(self, data: Mapping[str, Any]) -> int:  # Any: JSON
        intents = data.get("intents")
        if not isinstance(intents, int) or intents < 0:
            raise CloseConnection(CloseCode.INVALID_INTENTS, "Invalid intent(s).")
        if intents & PRIVILEGED & ~self._state.privileged_intents:
            raise CloseConnection(CloseCode.DISALLOWED_INTENTS, "Disallowed intent(s).")
        return intents

    def _resume(self, connection: Connection, data: Mapping[str, Any]) -> None:  # Any: JSON
        session = self._sessions.get(str(data.get("session_id")))
        seen = data.get("seq")
        if session is None or not isinstance(seen, int):
            connection.send(Opcode.INVALID_SESSION, False)
            return
        if seen > session.sequence:
            raise CloseConnection(CloseCode.INVALID_SEQUENCE, "Invalid seq.")
        missed = [text for number, text in session.sent if number > seen]
        self._attach(connection, session)
        for text in missed:
            connection.queue.put_nowait(text)
        self._dispatch(session, "RESUMED", {})
        self.resumes += 1
        self._traffic_log.changed.notify()

    def _list_receivers(self, guild_id: int | None) -> list[Session]:
        """Return the sessions that get events of a guild or of DMs."""
        if not self._state.reaches_bot(guild_id):
            return []
        return [session for session in self._sessions.values() if session.serves(guild_id)]

    def _attach(self, connection: Connection, session: Session) -> None:
        connection.session = session
        session.connection = connection

    def _send_members(self, session: Session, data: Mapping[str, Any]) -> None:  # Any: JSON
        guild = self._state.guilds.get(int(data.get("guild_id", 0)))
        if guild is None:
            return
        wanted = data.get("user_ids")
        ids = {int(each) for each in (wanted if isinstance(wanted, list) else [wanted] if wanted else [])}
        query = str(data.get("query") or "").lower()
        found = [
            member
            for member in guild.members.values()
            if (member.user.id in ids if ids else member.user.username.startswith(query))
        ]
        chunk: Json = {
            "guild_id": str(guild.id),
            "members": [serializers.member(member) for member in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(each) for each in ids if each not in guild.members],
        }
        if data.get("nonce") is not None:
            chunk["nonce"] = data["nonce"]
        self._dispatch(session, "GUILD_MEMBERS_CHUNK", chunk)

    def _detach(self, connection: Connection) -> None:
        """Detach the session of a closed connection; closed by the client with 1000 or 1001 it can't be resumed."""
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        if not connection.cut and connection.socket.close_code in (1000, 1001):
            self._forget(session)
        self._traffic_log.changed.notify()

    def _forget(self, session: Session) -> None:
        if self._sessions.pop(session.id, None) is not None and self.voice_state_handler is not None:
            self.voice_state_handler.session_ended(session)

    def _bot_can_view(self, message: Message) -> bool:
        """Return whether the bot may view a message's channel; it gets no events of others."""
        channel = self._state.channel(message.channel_id)
        if channel is None or message.guild_id is None:
            return True
        return bool(self._state.permissions(self._state.bot, channel) & Permission.VIEW_CHANNEL)

    def _guild(self, guild: Guild, session: Session) -> Json:
        return serializers.guild_create(guild, self._state, voice=bool(session.intents & GUILD_VOICE_STATES))

    def _dispatch(self, session: Session, name: str, data: Json) -> None:
        session.dispatch(name, data)
        self._traffic_log.record_event(sent=True, shard=session.shard, op=int(Opcode.DISPATCH), name=name, data=data)

    def _serialize_readable(self, message: Message, session: Session) -> Json:
        """Return a message as JSON, without the content that the session may not read.

        https://discord.com/developers/docs/events/gateway#message-content-intent
        """
        data = serializers.message(message, self._state)
        data = data if self._may_read(message, session) else data | _UNREADABLE
        quoted_id = message.reply_to
        quoted = None if quoted_id is None else self._state.message(message.channel_id, quoted_id)
        if quoted is not None and not self._may_read(quoted, session):
            data["referenced_message"] = {**data["referenced_message"], **_UNREADABLE}
        return data

    def _may_read(self, message: Message, session: Session) -> bool:
        return (
            bool(session.intents & MESSAGE_CONTENT)
            or message.author is self._state.bot
            or message.guild_id is None
            or self._state.bot.id in message.mentions.users
        )


_UNREADABLE: Json = {"content": "", "embeds": [], "attachments": [], "components": []}


def _decode(text: str) -> tuple[Opcode, object]:
    try:
        frame = json.loads(text)
        return Opcode(frame["op"]), frame.get("d")
    except (json.JSONDecodeError, KeyError, TypeError):
        raise CloseConnection(CloseCode.DECODE_ERROR, "Error while decoding payload.") from None
    except ValueError:
        raise CloseConnection(CloseCode.UNKNOWN_OPCODE, "Unknown opcode.") from None
