"""The voice server's UDP socket: light on the loop, and with the kernel's word for when a datagram came."""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable

Address = tuple[str, int]
Receiver = Callable[[bytes, Address, int], None]
"""Takes a datagram, whence it came, and when: nanoseconds since 1970."""

# Linux has it on every machine Python is built for; Python gives it no name.
_TIMESTAMPS = 35 if sys.platform == "linux" else None  # SO_TIMESTAMPNS
_TIMESPEC = struct.Struct("@ll")
_LARGEST = 2048
_AT_ONCE = 64  # datagrams read before others on the loop have their turn
_ROOM = 1 << 20  # bytes kept by the kernel while the loop is busy


class UdpSocket:
    """A UDP socket on the loopback interface that keeps its port when closed and opened again."""

    def __init__(self, receive: Receiver) -> None:
        self.port = 0
        self._receive = receive
        self._socket: socket.socket | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def open(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    async def listen(self, host: str) -> None:
        """Open the socket; does nothing when it is open."""
        if self._socket is not None:
            return
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        self._socket.bind((host, self.port))
        self.port = self._socket.getsockname()[1]
        loop = asyncio.get_running_loop()
        if _TIMESTAMPS is None:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _Plain(self._receive), sock=self._socket)
            return
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Close the socket; whoever sends to it gets an error back."""
        if self._socket is None:
            return
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        else:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._socket = None

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram."""
        if self._transport is not None:
            self._transport.sendto(data, address)
        elif self._socket is not None:
            self._socket.sendto(data, address)

    def _read(self) -> None:
        for _ in range(_AT_ONCE):
            if self._socket is None:
                return
            try:
                data, extra, _, address = self._socket.recvmsg(_LARGEST, 64)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # a client is gone that was sent something
                continue
            self._receive(data, address, _arrival(extra))


class _Plain(asyncio.DatagramProtocol):
    """Where the kernel does not say when a datagram came, or asyncio cannot ask."""

    def __init__(self, receive: Receiver) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr, time.time_ns())


def _arrival(extra: list[tuple[int, int, bytes]]) -> int:
    for _, kind, data in extra:
        if kind == _TIMESTAMPS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()
