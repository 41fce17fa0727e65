"""A voice client made of bare messages and datagrams, for what discord.py would never send."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import nacl.secret

from sandbox.discord.entities import Channel
from sandbox.discord.voice.protocol import MODE
from sandbox.discord.voice.tls import build_client_context
from sandbox.json_object import Json
from tests.sandbox.raw_client import Events


class RawVoiceClient:
    """One voice websocket, and a UDP socket beside it once it asked for its address."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, identity: Json) -> None:
        self.identity = identity
        self.ssrc = 0
        self.key = b""
        self._socket = socket
        self._udp: asyncio.DatagramTransport | None = None
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, op: int, **data: object) -> None:
        await self._socket.send_json({"op": op, "d": data})

    async def send_bytes(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def next(self, op: int) -> Json:
        """The next message with that opcode; others are skipped."""
        while True:
            message: Json = await self._socket.receive_json(timeout=5)
            if message["op"] == op:
                return message

    async def close_code(self) -> int | None:
        """What the other side closes it with."""
        async for _ in self._socket:
            pass
        return self._socket.close_code

    async def identify(self, **changes: object) -> None:
        await self.send(0, **{**self.identity, **changes})

    async def connect(self) -> None:
        """Everything up to the session description."""
        await self.identify()
        ready = (await self.next(2))["d"]
        self.ssrc = ready["ssrc"]
        answers = self._answers

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
                answers.put_nowait(data)

        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(Protocol, remote_addr=(ready["ip"], ready["port"]))
        self._udp.sendto(struct.pack(">HHI66x", 1, 70, self.ssrc))
        answer = await asyncio.wait_for(answers.get(), 5)
        address, port = answer[8:72].rstrip(b"\0").decode(), int.from_bytes(answer[72:], "big")
        await self.send(1, protocol="udp", data={"address": address, "port": port, "mode": MODE})
        self.key = bytes((await self.next(4))["d"]["secret_key"])

    def sound(
        self, sequence: int, timestamp: int, payload: bytes = b"\xf8\xff\xfe", *, key: bytes | None = None
    ) -> None:
        """Send one packet of sound."""
        assert self._udp is not None
        header = struct.pack(">BBHII", 0x80, 0x78, sequence, timestamp, self.ssrc)
        sealed = nacl.secret.Aead(key or self.key).encrypt(payload, header, bytes(24)).ciphertext
        self._udp.sendto(header + sealed + bytes(4))

    def datagram(self, data: bytes) -> None:
        """Send anything."""
        assert self._udp is not None
        self._udp.sendto(data)

    def close(self) -> None:
        if self._udp is not None:
            self._udp.close()


class VoiceDoor:
    """Opens voice websockets for a bot in a channel."""

    def __init__(self, http: aiohttp.ClientSession, events: Events) -> None:
        self._http = http
        self._events = events
        self._identity: Json = {}
        self._endpoint = ""

    async def enter(self, channel: Channel) -> None:
        """Wish to be in a channel, and learn where its server is."""
        await self._events.enter_voice(channel)
        state = await self._events.next("VOICE_STATE_UPDATE")
        server = await self._events.next("VOICE_SERVER_UPDATE")
        self._endpoint = server["endpoint"]
        self._identity = {
            "server_id": server["guild_id"],
            "user_id": state["user_id"],
            "session_id": state["session_id"],
            "token": server["token"],
            "max_dave_protocol_version": 1,
        }

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RawVoiceClient]:
        """A websocket that has been greeted and has said nothing yet."""
        context = build_client_context()
        async with self._http.ws_connect(f"wss://{self._endpoint}/?v=8", ssl=context) as socket:
            voice = RawVoiceClient(socket, self._identity)
            await voice.next(8)
            try:
                yield voice
            finally:
                voice.close()
