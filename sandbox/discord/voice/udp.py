"""The voice server's UDP socket: cheap for the event loop, with the kernel's receive timestamps."""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable

Address = tuple[str, int]
Receiver = Callable[[bytes, Address, int], None]
"""Receives a datagram, its source address, and its arrival in nanoseconds since 1970."""

# The same on every architecture of Linux that Python supports; the socket module has no name for it.
_TIMESTAMPS = 35 if sys.platform == "linux" else None  # SO_TIMESTAMPNS
_TIMESPEC = struct.Struct("@ll")
_LARGEST = 2048
_AT_ONCE = 64  # datagrams read before other callbacks run
_ROOM = 1 << 20  # bytes buffered by the kernel while the loop is busy


class UdpSocket:
    """A UDP socket on the loopback interface that keeps its port when it is closed and reopened."""

    def __init__(self, receive: Receiver) -> None:
        self.port = 0
        self._receive = receive
        self._socket: socket.socket | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def open(self) -> bool:
        """Whether the socket is open."""
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
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Protocol(self._receive), sock=self._socket
            )
            return
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Close the socket; datagrams to it are answered with an error."""
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
            except ConnectionRefusedError:  # the recipient of an earlier datagram is gone
                continue
            self._receive(data, address, _arrival_ns(extra))


class _Protocol(asyncio.DatagramProtocol):
    """For platforms without kernel timestamps, or without `add_reader`."""

    def __init__(self, receive: Receiver) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr, time.time_ns())


def _arrival_ns(extra: list[tuple[int, int, bytes]]) -> int:
    for _, kind, data in extra:
        if kind == _TIMESTAMPS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()
