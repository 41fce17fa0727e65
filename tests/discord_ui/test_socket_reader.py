"""discord.py's reader of a voice connection's UDP socket, where its thread begins late."""

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bot.discord_ui.voice.socket_reader import SocketReader

DEADLINE_S = 10.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def test_it_reads_though_it_was_resumed_before_its_thread_began(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    reader = SocketReader(SimpleNamespace(socket=ours))  # type: ignore[arg-type]
    got, arrived = [], threading.Event()

    def keep(data: bytes) -> None:
        got.append(data)
        arrived.set()

    reader.resume()
    reader.register(keep)
    theirs.send(b"an answer")
    reader.start()
    assert arrived.wait(DEADLINE_S)
    reader.stop()
    theirs.send(b"wake up")
    reader.join(DEADLINE_S)
    assert not reader.is_alive()
    assert got[0] == b"an answer"


def test_it_ends_though_it_was_stopped_before_its_thread_began(pair: tuple[socket.socket, socket.socket]) -> None:
    reader = SocketReader(SimpleNamespace(socket=pair[0]))  # type: ignore[arg-type]
    reader.stop()
    reader.start()
    reader.join(DEADLINE_S)
    assert not reader.is_alive()
