"""The voice server: accepts the bot's websockets and its audio."""

import asyncio
import functools
import ssl

from aiohttp import web

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import VoiceState
from sandbox.discord.state import DiscordState
from sandbox.discord.voice import rtp
from sandbox.discord.voice.call import Call, VoiceConnection
from sandbox.discord.voice.calls import VoiceCalls
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.protocol import (
    HEARTBEAT_MS,
    LOOPBACK,
    VERSION,
    CloseVoiceConnection,
    VoiceCloseCode,
    VoiceOpcode,
)
from sandbox.discord.voice.udp import Address, UdpSocket
from sandbox.discord.voice.ws_handler import VoiceWsHandler

CLOSE_TIMEOUT_S = 2.0  # for the client's own close frame
EARLY_S = 0.25  # audio may arrive this much earlier than the SPEAKING that announces it


class VoiceServer:
    """Serves the calls it was told to expect, each until it is ended or replaced.

    Args:
        state: where the channels and their users are.
        changed: notified for every message and every packet.
        faults: what goes wrong on request.
        encrypts: whether audio is encrypted end to end, except on stages.
    """

    def __init__(
        self, state: DiscordState, changed: ChangeSignal, faults: VoiceFaults, *, encrypts: bool = False
    ) -> None:
        self.calls = VoiceCalls(state, changed, encrypts=encrypts)
        """The bot's call in each guild."""
        self.endpoint = ""
        """Host and port for VOICE_SERVER_UPDATE; set when it listens."""
        self._changed = changed
        self._faults = faults
        self.late_packets = 0
        """Packets of audio that came for no call, such as those sent before its client knew that it had ended."""
        self._connections: set[VoiceConnection] = set()
        self._udp = UdpSocket(self._receive_datagram)
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
        """Listen on one more port and use it as the endpoint of later calls; the other ports stay open."""
        if self._runner is None:
            raise RuntimeError("the voice server does not listen")
        site = web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=self._context)
        await site.start()
        self.endpoint = f"{LOOPBACK}:{self._runner.addresses[-1][1]}"

    async def open_udp(self) -> None:
        """Receive datagrams, on the earlier port if there was one."""
        await self._udp.listen(LOOPBACK)

    def close_udp(self) -> None:
        """Receive no datagrams: the kernel answers each with an error."""
        self._udp.close()

    async def close(self) -> None:
        """Abort every connection and stop listening."""
        for connection in list(self._connections):
            connection.abort()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._udp.close()

    def expect(self, guild_id: int, voice_state: VoiceState) -> Call:
        """Return a new call to which the bot may connect; an earlier call in that guild is ended."""
        self.end(guild_id, VoiceCloseCode.DISCONNECTED)
        return self.calls.add(guild_id, voice_state)

    def end(self, guild_id: int, code: int) -> None:
        """End the bot's call in a guild, if there is one."""
        call = self.calls.remove(guild_id)
        if call is None:
            return
        if call.connection is not None and self._faults.half_open:
            call.connection.freeze()
        elif call.connection is not None:
            call.connection.end(code)
        self._changed.notify()

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=CLOSE_TIMEOUT_S, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = VoiceConnection(socket, request)
        handler = VoiceWsHandler(connection, self.calls, self._udp, self._faults, self._changed)
        self._connections.add(connection)
        connection.unanswered = self._faults.take_unanswered("websocket")
        if not connection.unanswered:
            connection.send(VoiceOpcode.HELLO, {"v": int(VERSION), "heartbeat_interval": HEARTBEAT_MS})
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if connection.ending or connection.unanswered:
                    continue
                try:
                    handler.receive(message.type, message.data)
                except CloseVoiceConnection as closing:
                    connection.end(closing.code)
        finally:
            if connection.ending and not connection.lost:
                await asyncio.wait({writer}, timeout=CLOSE_TIMEOUT_S)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._connections.discard(connection)
            self._detach(connection)
        return socket

    def _detach(self, connection: VoiceConnection) -> None:
        call = connection.call
        if call is not None and call.connection is connection:
            call.connection = None
        self._changed.notify()

    def _receive_datagram(self, data: bytes, address: Address, arrived_ns: int) -> None:
        discovering = rtp.parse_discovery(data)
        if discovering is not None:
            call = self.calls.get_by_ssrc(discovering)
            if call is not None and not self._faults.losing:
                call.address = address
                self._udp.send(rtp.build_discovery_response(discovering, *address), address)
            return
        packet = rtp.parse_rtp(data)
        if packet is None:
            return
        call = self.calls.get_by_ssrc(packet.ssrc)
        if call is None or address != call.address:
            self.late_packets += 1  # an ended call goes on sending for a moment
            return
        recorder, lost = self.calls.get_recorder(call.guild_id), self._faults.losing
        record = functools.partial(recorder.record, call, data, packet, arrived_ns, lost=lost)
        if call.announced:
            record()
        else:
            call.early.append(record)
            if len(call.early) == 1:
                asyncio.get_running_loop().call_later(EARLY_S, self._record_unannounced, call)
        self._changed.notify()

    def _record_unannounced(self, call: Call) -> None:
        """Record the early audio although no SPEAKING followed it."""
        call.record_early()
        self._changed.notify()
