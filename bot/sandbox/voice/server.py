"""The voice server: accepts the bot's connections, tells it where to send sound, and takes what it sends."""

import asyncio
import itertools
import json
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.bell import Bell
from bot.sandbox.guilds import User, VoiceState
from bot.sandbox.voice import rtp
from bot.sandbox.voice.call import Call, VoiceConnection
from bot.sandbox.voice.datagrams import Address, Datagrams
from bot.sandbox.voice.faults import VoiceFaults
from bot.sandbox.voice.protocol import HEARTBEAT_MS, MODE, VERSION, VoiceClose, VoiceClosing, VoiceOp
from bot.sandbox.voice.record import Record
from bot.sandbox.wire import Json
from bot.sandbox.world import World

LOOPBACK = "127.0.0.1"
KEPT = 10_000  # frames in the log
_SECRET = frozenset({"token", "secret_key"})


@dataclass(frozen=True, slots=True)
class Frame:
    """A message on the voice websocket, in either direction; a binary one has its length only."""

    sent: bool
    op: VoiceOp
    data: object


class VoiceServer:
    """Serves the calls it was told to expect, each until it is ended or replaced.

    Args:
        world: where the channels and their people are.
        bell: rung for every message and every packet.
        faults: what shall go wrong.
    """

    def __init__(self, world: World, bell: Bell, faults: VoiceFaults) -> None:
        self.calls: dict[int, Call] = {}
        """The bot's call in each guild, by the guild's id."""
        self.records: dict[int, Record] = {}
        self.frames: deque[Frame] = deque(maxlen=KEPT)
        """What went over the websockets, both ways; secrets left out."""
        self.endpoint = ""
        """Where it listens, as VOICE_SERVER_UPDATE names it; set once it does."""
        self._world = world
        self._bell = bell
        self._faults = faults
        self._numbers = itertools.count(1)
        self._ssrcs = itertools.count(1001)
        self._by_ssrc: dict[int, Call] = {}
        self._connections: set[VoiceConnection] = set()
        self._datagrams = Datagrams(self._datagram)
        self._runner: web.AppRunner | None = None
        self._context: ssl.SSLContext | None = None

    async def start(self, context: ssl.SSLContext) -> None:
        """Listen on free ports of the loopback interface."""
        app = web.Application()
        app.router.add_get("/", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        self._context = context
        await self.relocate()
        await self.open_udp()

    async def relocate(self) -> None:
        """Listen on one more port, which is the endpoint of every call from here on; the others stay open."""
        if self._runner is None:
            raise RuntimeError("the voice server does not listen")
        site = web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=self._context)
        await site.start()
        self.endpoint = f"{LOOPBACK}:{self._runner.addresses[-1][1]}"

    async def open_udp(self) -> None:
        """Take datagrams, on the port there was before if there was one."""
        await self._datagrams.listen(LOOPBACK)

    def close_udp(self) -> None:
        """Take none: whoever sends one gets an error from the machine."""
        self._datagrams.close()

    async def close(self) -> None:
        """Cut every connection and stop listening."""
        for connection in list(self._connections):
            connection.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._datagrams.close()

    def expect(self, guild_id: int, state: VoiceState) -> Call:
        """Let the bot connect to a channel; an earlier call in that guild is over."""
        self.end(guild_id, VoiceClose.DISCONNECTED)
        call = Call(next(self._numbers), guild_id, state, next(self._ssrcs))
        self.calls[guild_id] = self._by_ssrc[call.ssrc] = call
        return call

    def end(self, guild_id: int, code: int) -> None:
        """End the bot's call in a guild, if there is one."""
        call = self.calls.pop(guild_id, None)
        if call is None:
            return
        del self._by_ssrc[call.ssrc]
        if call.connection is not None:
            call.connection.end(code)

    def came(self, guild_id: int, user: User) -> None:
        """Tell the bot that somebody came into its channel."""
        call = self.calls.get(guild_id)
        if call is not None and call.described:
            self._send(call, VoiceOp.CLIENTS_CONNECT, {"user_ids": [str(user.id)]})

    def went(self, guild_id: int, user: User) -> None:
        """Tell the bot that somebody left its channel."""
        call = self.calls.get(guild_id)
        if call is not None and call.described:
            self._send(call, VoiceOp.CLIENT_DISCONNECT, {"user_id": str(user.id)})

    def record(self, guild_id: int) -> Record:
        """What is written down of a guild."""
        if guild_id not in self.records:
            self.records[guild_id] = Record(self._world.guilds[guild_id])
        return self.records[guild_id]

    # ------------------------------------------------------------------ the websocket

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=2.0, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = VoiceConnection(socket, request)
        self._connections.add(connection)
        connection.silent = self._faults.silent("websocket")
        if not connection.silent:
            connection.say(VoiceOp.HELLO, {"v": int(VERSION), "heartbeat_interval": HEARTBEAT_MS})
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if connection.ending or connection.silent:
                    continue
                try:
                    self._receive(connection, message.type, message.data)
                except VoiceClosing as closing:
                    connection.end(closing.code)
        finally:
            if not connection.ending or socket.close_code is not None:
                writer.cancel()  # the other side ended it, so there is nobody to send to
            await asyncio.gather(writer, return_exceptions=True)
            self._connections.discard(connection)
            self._ended(connection)
        return socket

    def _receive(self, connection: VoiceConnection, kind: WSMsgType, body: str | bytes) -> None:
        if kind is WSMsgType.BINARY and isinstance(body, bytes) and body:
            return
        try:
            frame = json.loads(body)
            op, data = VoiceOp(frame["op"]), frame.get("d")
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise VoiceClosing(VoiceClose.DECODE_ERROR, "Failed to decode payload.") from None
        except ValueError:
            raise VoiceClosing(VoiceClose.UNKNOWN_OPCODE, "Unknown opcode.") from None
        if not isinstance(data, dict):
            raise VoiceClosing(VoiceClose.DECODE_ERROR, "Failed to decode payload.")
        self._note(sent=False, op=op, data=data)
        call = connection.call
        if op is VoiceOp.HEARTBEAT:
            connection.say(VoiceOp.HEARTBEAT_ACK, {"t": data.get("t")})
        elif op in (VoiceOp.IDENTIFY, VoiceOp.RESUME):
            if call is not None:
                raise VoiceClosing(VoiceClose.ALREADY_AUTHENTICATED, "Already authenticated.")
            ordered = self._faults.closing()
            if ordered is not None:
                raise VoiceClosing(ordered, "This was asked for.")
            (self._identify if op is VoiceOp.IDENTIFY else self._resume)(connection, data)
        elif call is None:
            raise VoiceClosing(VoiceClose.NOT_AUTHENTICATED, "Not authenticated.")
        elif op is VoiceOp.SELECT_PROTOCOL:
            self._select(call, data)
        elif op is VoiceOp.SPEAKING:
            self._speaking(call, data)

    def _identify(self, connection: VoiceConnection, data: Mapping[str, Any]) -> None:  # Any: JSON
        call = self._claimed(data)
        if str(data.get("user_id")) != str(call.user_id):
            raise VoiceClosing(VoiceClose.AUTHENTICATION_FAILED, "Authentication failed.")
        self._attach(connection, call)
        host, port = LOOPBACK, self._datagrams.port
        ready: Json = {"ssrc": call.ssrc, "ip": host, "port": port, "modes": [MODE], "experiments": [], "streams": []}
        self._send(call, VoiceOp.READY, ready)

    def _resume(self, connection: VoiceConnection, data: Mapping[str, Any]) -> None:  # Any: JSON
        call, seen = self._claimed(data), data.get("seq_ack", -1)
        if not call.described or not isinstance(seen, int) or seen > call.sequence:
            raise VoiceClosing(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        self._attach(connection, call)
        call.replay(seen)
        self._send(call, VoiceOp.RESUMED, None)

    def _claimed(self, data: Mapping[str, Any]) -> Call:  # Any: JSON
        """The call that somebody says is theirs.

        Raises:
            VoiceClosing: there is none, or not with that session or token.
        """
        number = str(data.get("server_id"))
        call = self.calls.get(int(number)) if number.isdecimal() else None
        if call is None or data.get("session_id") != call.state.session_id or data.get("token") != call.token:
            raise VoiceClosing(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        return call

    def _attach(self, connection: VoiceConnection, call: Call) -> None:
        if call.connection is not None:
            call.connection.end(VoiceClose.SESSION_INVALID)
            call.connection.call = None
        connection.call, call.connection = call, connection

    def _select(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        chosen = data.get("data")
        if data.get("protocol") != "udp" or not isinstance(chosen, dict):
            raise VoiceClosing(VoiceClose.UNKNOWN_PROTOCOL, "Unknown protocol.")
        if chosen.get("mode") != MODE:
            raise VoiceClosing(VoiceClose.UNKNOWN_MODE, "Unknown encryption mode.")
        if (chosen.get("address"), chosen.get("port")) != call.address:
            self.record(call.guild_id).flaw(f"call {call.number}: an address that was not discovered")
        call.described = True
        others = [s.user for s in self._world.guilds[call.guild_id].within(call.state.channel) if s is not call.state]
        if others:
            self._send(call, VoiceOp.CLIENTS_CONNECT, {"user_ids": [str(user.id) for user in others]})
        description: Json = {
            "mode": MODE,
            "secret_key": list(call.key),
            "audio_codec": "opus",
            "media_session_id": call.token,
            "dave_protocol_version": call.dave_version,
        }
        self._send(call, VoiceOp.SESSION_DESCRIPTION, description)

    def _speaking(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        if data.get("ssrc") != call.ssrc:
            self.record(call.guild_id).flaw(f"call {call.number}: speaks as ssrc {data.get('ssrc')}")
            return
        call.announced = True
        call.speaking = bool(data.get("speaking"))

    def _ended(self, connection: VoiceConnection) -> None:
        call = connection.call
        if call is not None and call.connection is connection:
            call.connection = None
        self._bell.ring()

    def _send(self, call: Call, op: VoiceOp, data: object) -> None:
        call.send(op, data)
        self._note(sent=True, op=op, data=data)

    def _note(self, *, sent: bool, op: VoiceOp, data: object) -> None:
        kept = {k: v for k, v in data.items() if k not in _SECRET} if isinstance(data, dict) else data
        self.frames.append(Frame(sent, op, kept))
        self._bell.ring()

    # ------------------------------------------------------------------ UDP

    def _datagram(self, data: bytes, address: Address, arrived_ns: int) -> None:
        asking = rtp.discovery(data)
        if asking is not None:
            call = self._by_ssrc.get(asking)
            if call is not None and not self._faults.losing:
                call.address = address
                self._datagrams.send(rtp.discovered(asking, *address), address)
            return
        packet = rtp.read(data)
        if packet is None:
            return
        call = self._by_ssrc.get(packet.ssrc)
        if call is None or address != call.address:
            return  # nobody's: an ended call goes on sending into the void for a moment
        self.record(call.guild_id).take(call, data, packet, arrived_ns, lost=self._faults.losing)
        self._bell.ring()
