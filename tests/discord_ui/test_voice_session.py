"""A voice connection that is lost: how often reconnecting is tried, and when the bot gives up."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bot.audio.worker_pool import WorkerPool
from bot.discord_ui.voice import session as voice_session
from bot.discord_ui.voice.connection import VoiceConnectionFailed
from bot.discord_ui.voice.session import RECONNECT_TIMEOUT_S, VoiceSession
from bot.errors import VoiceLost
from bot.messages import voice as texts
from bot.messages.render import render
from tests.support.clock import FakeClock


class BrokenConnection:
    """A connection as the session sees it, lost to a 4006."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.removed = False
        self.close_code = 4006
        self.reassigned = None
        self.client = SimpleNamespace(get_guild=lambda _: None)
        self.guild = SimpleNamespace(id=1, me=SimpleNamespace(id=2), get_channel=lambda _: self.channel)
        self.channel: SimpleNamespace = SimpleNamespace(id=3, guild=self.guild, voice_states={})

    def is_connected(self) -> bool:
        return not self.ended.is_set()

    def abort(self) -> None:
        self.ended.set()

    async def wait_closed(self) -> None:
        """Return at once: it closes when it ends."""

    async def disconnect(self, *, force: bool) -> None:
        self.ended.set()


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


def build_session(
    connection: Any, clock: FakeClock, pool: WorkerPool, losses: list[VoiceLost]
) -> VoiceSession:  # Any: it stands in for one
    return VoiceSession(connection, pool, clock, text_channel_id=4, on_lost=lambda _, loss: losses.append(loss))


def build_source(read: Callable[[], bytes]) -> Any:  # Any: it stands in for a stream
    return SimpleNamespace(read=read)


async def test_it_reconnects_with_longer_pauses_and_gives_up_after_a_minute(
    monkeypatch: pytest.MonkeyPatch, pool: WorkerPool
) -> None:
    clock, connection, losses, tries = FakeClock(), BrokenConnection(), list[VoiceLost](), list[float]()

    async def open_voice_connection(*_: object) -> None:
        tries.append(clock.monotonic())
        raise VoiceConnectionFailed("refused", close_code=4006)

    monkeypatch.setattr(voice_session, "open_voice_connection", open_voice_connection)
    session = build_session(connection, clock, pool, losses)
    connection.ended.set()
    await clock.advance(RECONNECT_TIMEOUT_S - 1)
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses[:5] == [0.5, 1, 2, 4, 8]
    assert len(tries) >= 8
    await clock.advance(1)
    assert [loss.message for loss in losses] == [texts.connection_lost()]
    with pytest.raises(VoiceLost):
        await session.speak(build_source(lambda: b"\xf8\xff\xfe"))


class SilentConnection(BrokenConnection):
    """A connection that plays nothing: one that is neither connected nor ended, or one that only says it is."""

    def __init__(self, *, connected: bool) -> None:
        super().__init__()
        self._connected = connected
        self.encryption_pending = False

    def is_connected(self) -> bool:
        return self._connected and not self.ended.is_set()

    def play(self, source: object, *, after: object) -> None:
        """Never send a packet, and never come to an end."""

    def stop(self) -> None:
        """Nothing plays."""


class PlayingConnection(SilentConnection):
    """A connection that plays all it is given at once."""

    def __init__(self) -> None:
        super().__init__(connected=True)

    def play(self, source: Any, *, after: Any) -> None:
        while packet := source.read():
            source.ack(packet)
        after(None)


@pytest.mark.parametrize("connected", [False, True], ids=["neither connected nor ended", "nothing is sent"])
async def test_a_connection_that_sends_nothing_is_aborted(
    monkeypatch: pytest.MonkeyPatch, pool: WorkerPool, connected: bool
) -> None:
    clock, silent, losses = FakeClock(), SilentConnection(connected=connected), list[VoiceLost]()

    async def open_voice_connection(*_: object) -> PlayingConnection:
        return PlayingConnection()

    monkeypatch.setattr(voice_session, "open_voice_connection", open_voice_connection)
    monkeypatch.setattr(voice_session, "HANDSHAKE_TIMEOUT_S", 0)
    session = build_session(silent, clock, pool, losses)
    packets = [b"1", b"2", b"3"]
    speaking = asyncio.create_task(session.speak(build_source(lambda: packets.pop(0) if packets else b"")))
    await clock.drive(asyncio.wait({speaking}))
    assert speaking.result() is None
    assert packets == []
    assert silent.ended.is_set()
    await session.leave()


async def test_it_is_idle_from_the_last_packet_on_though_something_is_playing(pool: WorkerPool) -> None:
    clock, losses = FakeClock(), list[VoiceLost]()
    session = build_session(SilentConnection(connected=True), clock, pool, losses)
    assert session.idle_s == 0
    speaking = asyncio.create_task(session.speak(build_source(lambda: b"1")))
    await clock.advance(300)
    assert session.idle_s == 300
    speaking.cancel()
    await asyncio.wait({speaking})
    await session.leave()


async def test_a_deleted_channel_is_not_connected_to(monkeypatch: pytest.MonkeyPatch, pool: WorkerPool) -> None:
    clock, connection, losses = FakeClock(), BrokenConnection(), list[VoiceLost]()

    async def open_voice_connection(*_: object) -> None:
        raise AssertionError("there is nowhere to connect")

    monkeypatch.setattr(voice_session, "open_voice_connection", open_voice_connection)
    session = build_session(connection, clock, pool, losses)
    connection.guild.get_channel = lambda _: None
    connection.ended.set()
    await clock.advance(1)
    assert [loss.message for loss in losses] == [texts.channel_deleted()]
    await session.leave()


async def test_a_move_that_discord_cannot_be_asked_for_fails_as_a_connection_does(pool: WorkerPool) -> None:
    clock, connection = FakeClock(), SilentConnection(connected=True)
    session = build_session(connection, clock, pool, [])

    async def change_voice_state(**_: object) -> None:
        raise ConnectionResetError("Cannot write to closing transport")

    connection.guild.change_voice_state = change_voice_state
    there: Any = SimpleNamespace(id=5, guild=connection.guild)
    with pytest.raises(VoiceConnectionFailed, match="ConnectionResetError"):
        await session.move(there)
    await session.leave()


async def test_a_permanent_error_ends_it_at_once(monkeypatch: pytest.MonkeyPatch, pool: WorkerPool) -> None:
    clock, connection, losses = FakeClock(), BrokenConnection(), list[VoiceLost]()

    async def open_voice_connection(*_: object) -> None:
        raise VoiceConnectionFailed("refused", close_code=4017)

    monkeypatch.setattr(voice_session, "open_voice_connection", open_voice_connection)
    session = build_session(connection, clock, pool, losses)
    connection.ended.set()
    await clock.advance(1)
    assert "end-to-end encryption" in render(losses[0].message)
    await session.leave()
