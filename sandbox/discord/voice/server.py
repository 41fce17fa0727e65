"""The voice server: accepts the bot's connections, tells it where to send sound, and takes what it sends."""

import asyncio
import functools
import itertools
import ssl
from collections import deque
from dataclasses import dataclass

from aiohttp import web

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import ChannelType, User, VoiceState
from sandbox.discord.state import DiscordState
from sandbox.discord.voice import rtp
from sandbox.discord.voice.call import Call, VoiceConnection
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.protocol import (
    HEARTBEAT_MS,
    LOOPBACK,
    VERSION,
    CloseVoiceConnection,
    VoiceCloseCode,
    VoiceOpcode,
)
from sandbox.discord.voice.recording import Recorder
from sandbox.discord.voice.udp import Address, UdpSocket
from sandbox.discord.voice.ws_handler import VoiceWsHandler

KEPT = 10_000  # frames in the log
CLOSED_WITHIN_S = 2.0  # for the other side to say goodbye, too
EARLY_S = 0.25  # sound may come so much earlier than the word that it will
_SECRET = frozenset({"token", "secret_key"})


@dataclass(frozen=True, slots=True)
class WsMessage:
    """A message on the voice websocket, in either direction; a binary one has its length only."""

    sent: bool
    op: VoiceOpcode
    data: object


class VoiceServer:
    """Serves the calls it was told to expect, each until it is ended or replaced.

    Args:
        world: where the channels and their people are.
        bell: rung for every message and every packet.
        faults: what shall go wrong.
        encrypts: whether sound is encrypted end to end, but for that on stages.
    """

    def __init__(
        self, state: DiscordState, changed: ChangeSignal, faults: VoiceFaults, *, encrypts: bool = False
    ) -> None:
        self.calls: dict[int, Call] = {}
        """The bot's call in each guild, by the guild's id."""
        self._records: dict[int, Recorder] = {}
        self.frames: deque[WsMessage] = deque(maxlen=KEPT)
        """What went over the websockets, both ways; secrets left out."""
        self.endpoint = ""
        """Where it listens, as VOICE_SERVER_UPDATE names it; set once it does."""
        self._state = state
        self._changed_signal = changed
        self._faults = faults
        self._encrypts = encrypts
        self._numbers = itertools.count(1)
        self._ssrcs = itertools.count(1001)
        self._by_ssrc: dict[int, Call] = {}
        self._connections: set[VoiceConnection] = set()
        self._datagrams = UdpSocket(self._datagram)
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

    def expect(self, guild_id: int, voice_state: VoiceState) -> Call:
        """Let the bot connect to a channel; an earlier call in that guild is over."""
        self.end(guild_id, VoiceCloseCode.DISCONNECTED)
        call = Call(next(self._numbers), guild_id, voice_state, next(self._ssrcs))
        self.calls[guild_id] = self._by_ssrc[call.ssrc] = call
        return call

    def end(self, guild_id: int, code: int) -> None:
        """End the bot's call in a guild, if there is one."""
        call = self.calls.pop(guild_id, None)
        if call is None:
            return
        del self._by_ssrc[call.ssrc]
        if call.connection is not None and self._faults.half_open:
            call.connection.hang()
        elif call.connection is not None:
            call.connection.end(code)
        self._changed_signal.notify()

    def came(self, guild_id: int, user: User) -> None:
        """Tell the bot that somebody came into its channel."""
        call = self.calls.get(guild_id)
        if call is not None and call.described:
            self.send(call, VoiceOpcode.CLIENTS_CONNECT, {"user_ids": [str(user.id)]})
            if call.group is not None:
                call.group.came(user.id)

    def went(self, guild_id: int, user: User) -> None:
        """Tell the bot that somebody left its channel."""
        call = self.calls.get(guild_id)
        if call is not None and call.described:
            self.send(call, VoiceOpcode.CLIENT_DISCONNECT, {"user_id": str(user.id)})
            if call.group is not None:
                call.group.went(user.id)

    def let_in(self, call: Call, key_package: bytes) -> None:
        """Take the bot into the group of its channel.

        Raises:
            MalformedMls: it is no key package.
        """
        if call.group is not None:
            call.group.takes_in(key_package, [user.id for user in self.others(call)])

    def record(self, guild_id: int) -> Recorder:
        """What is written down of a guild."""
        if guild_id not in self._records:
            self._records[guild_id] = Recorder(self._state, self._state.guilds[guild_id])
        return self._records[guild_id]

    # ------------------------------------------------------------------ the websocket

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=CLOSED_WITHIN_S, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = VoiceConnection(socket, request)
        conversation = VoiceWsHandler(connection, self, self._faults)
        self._connections.add(connection)
        connection.silent = self._faults.take_unanswered("websocket")
        if not connection.silent:
            connection.say(VoiceOpcode.HELLO, {"v": int(VERSION), "heartbeat_interval": HEARTBEAT_MS})
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if connection.ending or connection.silent:
                    continue
                try:
                    conversation.receive(message.type, message.data)
                except CloseVoiceConnection as closing:
                    connection.end(closing.code)
        finally:
            if connection.ending and not connection.lost:
                await asyncio.wait({writer}, timeout=CLOSED_WITHIN_S)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._connections.discard(connection)
            self._ended(connection)
        return socket

    def _ended(self, connection: VoiceConnection) -> None:
        call = connection.call
        if call is not None and call.connection is connection:
            call.connection = None
        self._changed_signal.notify()

    # ------------------------------------------------------------------ for whoever speaks with the bot

    @property
    def udp_port(self) -> int:
        """Where sound is to be sent."""
        return self._datagrams.port

    def encrypts(self, call: Call) -> bool:
        """Whether a call is encrypted end to end."""
        return self._encrypts and call.voice_state.channel.type is not ChannelType.STAGE

    def others(self, call: Call) -> list[User]:
        """Who is in the call's channel besides the bot."""
        there = self._state.guilds[call.guild_id].within(call.voice_state.channel)
        return [voice_state.user for voice_state in there if voice_state.user.id != call.user_id]

    def send(self, call: Call, op: VoiceOpcode, data: object) -> None:
        """Send the bot a message."""
        call.send(op, data)
        self.note(sent=True, op=op, data=data)

    def send_binary(self, call: Call, op: VoiceOpcode, data: bytes) -> None:
        """Send the bot a binary message."""
        call.send_binary(op, data)
        self.note(sent=True, op=op, data=len(data))

    def note(self, *, sent: bool, op: VoiceOpcode, data: object) -> None:
        """Write down a message, without its secrets."""
        kept = {k: v for k, v in data.items() if k not in _SECRET} if isinstance(data, dict) else data
        self.frames.append(WsMessage(sent, op, kept))
        self._changed_signal.notify()

    # ------------------------------------------------------------------ UDP

    def _datagram(self, data: bytes, address: Address, arrived_ns: int) -> None:
        asking = rtp.parse_discovery(data)
        if asking is not None:
            call = self._by_ssrc.get(asking)
            if call is not None and not self._faults.losing:
                call.address = address
                self._datagrams.send(rtp.build_discovery_response(asking, *address), address)
            return
        packet = rtp.parse_rtp(data)
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
        self._changed_signal.notify()

    def _give_up(self, call: Call) -> None:
        """Take what came early as it is: no word came after it."""
        call.take_early()
        self._changed_signal.notify()
