"""Servers on loopback and clocks for the tests of the API client."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.clock import SystemClock

DEADLINE_S = 20
KEY = "sk-MARKERKEY0123456789"


@dataclass
class Request:
    """What a client sent: the first line, headers in lower case, and the body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Peer:
    """A server that writes whatever bytes a test wants, and sees when the client is gone."""

    base_url: str = ""
    requests: list[Request] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(*answers: Answer) -> AsyncIterator[Peer]:
    """Serve each connection one request with the next of `answers`; the last one serves all that follow.

    After an answer the connection is closed.
    """
    seen = Peer()
    running: set[asyncio.Task] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            answer = answers[min(len(seen.requests), len(answers) - 1)]
            raw = dict(line.split(": ", 1) for line in head[1:] if line)
            seen.requests.append(Request(head[0], {k.lower(): v for k, v in raw.items()}, body))
            seen.arrived.set()
            answering = asyncio.create_task(_ending_with(answer(writer), reader, seen))
            await answering
        except (ConnectionError, asyncio.IncompleteReadError):
            seen.closed.set()
        finally:
            writer.close()
            running.discard(asyncio.current_task())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield seen
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _ending_with(answering: Awaitable[None], reader: asyncio.StreamReader, seen: Peer) -> None:
    """Run an answer; end it as soon as the client hangs up."""
    answer = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(reader.read())
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            await answer
        else:
            seen.closed.set()
    finally:
        answer.cancel()
        gone.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


def replying(
    body: bytes | str | dict = b"",
    *,
    status: int = 200,
    content_type: str = "application/json",
    **headers: str,
) -> Answer:
    """An ordinary answer with its length announced."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
    return writing(head.encode() + data)


def streaming(*pieces: bytes | str | dict, end: str = "close") -> Answer:
    """An event stream in HTTP/1.0 style, ended by closing. A dict becomes a `data:` event.

    `end`: `close` (cleanly), `reset` (the connection breaks) or `hang` (it stays open and silent).
    """
    return writing(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", *map(as_event, pieces), end=end)


def chunked(*pieces: bytes | str | dict, end: str = "close") -> Answer:
    """An event stream in HTTP/1.1 chunks; `end` may also be `whole`: the terminating chunk is sent."""
    parts = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in map(as_event, pieces)]
    if end == "whole":
        parts.append(b"0\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return writing(head, *parts, end="hang" if end == "whole" else end)


def writing(*pieces: bytes, end: str = "close") -> Answer:
    """Raw bytes, each piece as a write of its own."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if end == "reset":
            # Let the client's end take what was written, then break the connection instead of ending it.
            writer.transport.abort()
        elif end == "hang":
            await asyncio.Event().wait()

    return answer


async def hanging(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def as_event(piece: bytes | str | dict) -> bytes:
    if isinstance(piece, dict):
        return b"data: " + json.dumps(piece).encode() + b"\n\n"
    return piece.encode() if isinstance(piece, str) else piece


def delta(text: str | None = None, *, finish: str | None = None, **more: object) -> dict:
    """A chunk as most servers send it."""
    content = {} if text is None else {"content": text}
    return {"id": "c1", "choices": [{"index": 0, "delta": content | more, "finish_reason": finish}]}


DONE = "data: [DONE]\n\n"


class NappingClock(SystemClock):
    """Pauses between tries take no time and are written down; time limits stay real."""

    def __init__(self, now: datetime | None = None) -> None:
        self.naps: list[float] = []
        self._now = now

    def now(self) -> datetime:
        return self._now or datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds < 30:
            self.naps.append(seconds)
        else:
            await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._monotonic, UTC)

    async def sleep(self, seconds: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._monotonic + seconds, sleeper))
        await sleeper

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        for due, sleeper in self._sleepers:
            if due <= self._monotonic and not sleeper.done():
                sleeper.set_result(None)

    async def pass_until(self, task: asyncio.Future) -> float:
        """Let time pass until `task` is done; give the seconds it took."""
        began = self._monotonic
        async with asyncio.timeout(DEADLINE_S):
            while not task.done():
                self.advance(1)
                await asyncio.sleep(0)
        return self._monotonic - began
