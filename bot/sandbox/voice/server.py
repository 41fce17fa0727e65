"""The voice server: accepts the bot's connections, tells it where to send sound, and takes what it sends."""

import asyncio
import functools
import itertools
import json
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.bell import Bell
from bot.sandbox.guilds import ChannelType, User, VoiceState
from bot.sandbox.voice import dave, rtp
from bot.sandbox.voice.call import Call, VoiceConnection
from bot.sandbox.voice.datagrams import Address, Datagrams
from bot.sandbox.voice.faults import VoiceFaults
from bot.sandbox.voice.mls import Malformed
from bot.sandbox.voice.protocol import HEARTBEAT_MS, MODE, VERSION, VoiceClose, VoiceClosing, VoiceOp
from bot.sandbox.voice.record import Record
from bot.sandbox.wire import Json
from bot.sandbox.world import World

LOOPBACK = "127.0.0.1"
KEPT = 10_000  # frames in the log
EARLY_S = 0.25  # sound may come so much earlier than the word that it will
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
        encrypts: whether sound is encrypted end to end, but for that on stages.
    """

    def __init__(self, world: World, bell: Bell, faults: VoiceFaults, *, encrypts: bool = False) -> None:
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
        self._dave = encrypts
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
            if call.group is not None:
                call.group.came(user.id)

    def went(self, guild_id: int, user: User) -> None:
        """Tell the bot that somebody left its channel."""
        call = self.calls.get(guild_id)
        if call is not None and call.described:
            self._send(call, VoiceOp.CLIENT_DISCONNECT, {"user_id": str(user.id)})
            if call.group is not None:
                call.group.went(user.id)

    def let_in(self, call: Call, key_package: bytes) -> None:
        """Take the bot into the group of its channel.

        Raises:
            Malformed: it is no key package.
        """
        if call.group is not None:
            call.group.takes_in(key_package, [user.id for user in self._others(call)])

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
            self._receive_binary(connection, body)
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
        elif op is VoiceOp.DAVE_TRANSITION_READY and call.group is not None:
            call.group.ready(_whole(data.get("transition_id")))
        elif op is VoiceOp.MLS_INVALID_COMMIT_WELCOME and call.group is not None:
            self.record(call.guild_id).flaw(f"call {call.number}: it did not understand a commit or welcome")

    def _receive_binary(self, connection: VoiceConnection, body: bytes) -> None:
        call = connection.call
        if call is None:
            raise VoiceClosing(VoiceClose.NOT_AUTHENTICATED, "Not authenticated.")
        if call.group is None or body[0] not in (VoiceOp.MLS_KEY_PACKAGE, VoiceOp.MLS_COMMIT_WELCOME):
            raise VoiceClosing(VoiceClose.UNKNOWN_OPCODE, "Unknown opcode.")
        op = VoiceOp(body[0])
        self._note(sent=False, op=op, data=len(body))
        try:
            if op is VoiceOp.MLS_KEY_PACKAGE and self._faults.silent("group"):
                call.group.waiting = body[1:]
            elif op is VoiceOp.MLS_KEY_PACKAGE:
                self.let_in(call, body[1:])
            else:
                call.group.committed(body[1:])
        except Malformed as reason:
            self.record(call.guild_id).flaw(f"call {call.number}: {op.name}: {reason}")
            raise VoiceClosing(VoiceClose.BAD_REQUEST, "Bad request.") from None

    def _identify(self, connection: VoiceConnection, data: Mapping[str, Any]) -> None:  # Any: JSON
        call = self._claimed(data)
        if str(data.get("user_id")) != str(call.user_id):
            raise VoiceClosing(VoiceClose.AUTHENTICATION_FAILED, "Authentication failed.")
        if self._encrypts(call) and _whole(data.get("max_dave_protocol_version")) < dave.VERSION:
            raise VoiceClosing(VoiceClose.DAVE_REQUIRED, "E2EE/DAVE protocol required.")
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
        others = self._others(call)
        if others:
            self._send(call, VoiceOp.CLIENTS_CONNECT, {"user_ids": [str(user.id) for user in others]})
        description: Json = {
            "mode": MODE,
            "secret_key": list(call.key),
            "audio_codec": "opus",
            "media_session_id": call.token,
            "dave_protocol_version": dave.VERSION if self._encrypts(call) else 0,
        }
        self._send(call, VoiceOp.SESSION_DESCRIPTION, description)
        if self._encrypts(call):
            send, send_binary = functools.partial(self._send, call), functools.partial(self._send_binary, call)
            call.group = dave.Group(call, send, send_binary)
            call.group.greet()

    def _encrypts(self, call: Call) -> bool:
        return self._dave and call.state.channel.type is not ChannelType.STAGE

    def _others(self, call: Call) -> list[User]:
        """Who is in the call's channel besides the bot."""
        there = self._world.guilds[call.guild_id].within(call.state.channel)
        return [state.user for state in there if state.user.id != call.user_id]

    def _speaking(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        if data.get("ssrc") != call.ssrc:
            self.record(call.guild_id).flaw(f"call {call.number}: speaks as ssrc {data.get('ssrc')}")
            return
        call.announced = True
        call.speaking = bool(data.get("speaking"))
        call.take_early()

    def _ended(self, connection: VoiceConnection) -> None:
        call = connection.call
        if call is not None and call.connection is connection:
            call.connection = None
        self._bell.ring()

    def _send(self, call: Call, op: VoiceOp, data: object) -> None:
        call.send(op, data)
        self._note(sent=True, op=op, data=data)

    def _send_binary(self, call: Call, op: VoiceOp, data: bytes) -> None:
        call.send_binary(op, data)
        self._note(sent=True, op=op, data=len(data))

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
        record, lost = self.record(call.guild_id), self._faults.losing
        note = functools.partial(record.take, call, data, packet, arrived_ns, lost=lost)
        if call.announced:
            note()
        else:
            call.early.append(note)
            if len(call.early) == 1:
                asyncio.get_running_loop().call_later(EARLY_S, self._give_up, call)
        self._bell.ring()

    def _give_up(self, call: Call) -> None:
        """Take what came early as it is: no word came after it."""
        call.take_early()
        self._bell.ring()


def _whole(value: object) -> int:
    """A whole number as it stands in JSON; 0 where it is none."""
    return value if isinstance(value, int) else 0
