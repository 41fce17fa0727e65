"""Servers on loopback and clocks for the tests of the API client."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.api.api_client import ApiClient
from sandbox.json_object import Json
from tests.support.clock import FakeClock

DEADLINE_S = 20
KEY = "sk-MARKERKEY0123456789"


@dataclass
class Request:
    """What a client sent: the first line, headers in lower case, and the body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        body: Json = json.loads(self.body)
        return body


@dataclass
class Peer:
    """A server that writes whatever bytes a test wants, and sees when the client is gone."""

    base_url: str = ""
    requests: list[Request] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
Connect = Callable[..., ApiClient]
Piece = bytes | str | Json


@asynccontextmanager
async def peer(*answers: Answer) -> AsyncIterator[Peer]:
    """Serve each connection one request with the next of `answers`; the last one serves all that follow.

    After an answer the connection is closed.
    """
    seen = Peer()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in fields}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            answer = answers[min(len(seen.requests), len(answers) - 1)]
            seen.requests.append(Request(head[0], headers, body))
            seen.arrived.set()
            await _ending_with(answer(writer), reader, seen)
        except (ConnectionError, asyncio.IncompleteReadError):
            seen.closed.set()
        except asyncio.CancelledError:
            pass  # the test is over; asyncio's streams report a cancelled server task as an error
        finally:
            writer.close()
            running.discard(task)

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
    body: Piece = b"",
    *,
    status: int = 200,
    content_type: str = "application/json",
    **headers: str,
) -> Answer:
    """An ordinary answer with its length announced."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    extra += f"Content-Type: {content_type}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n"
    return writing(f"HTTP/1.1 {status} X\r\n{extra}\r\n".encode() + data)


def streaming(*pieces: Piece, end: str = "close") -> Answer:
    """An event stream in HTTP/1.0 style, ended by closing. A dict becomes a `data:` event.

    `end`: `close` (cleanly), `reset` (the connection breaks) or `hang` (it stays open and silent).
    """
    return writing(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", *map(as_event, pieces), end=end)


def chunked(*pieces: Piece, end: str = "close") -> Answer:
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
            reset(writer)
        elif end == "hang":
            await asyncio.Event().wait()

    return answer


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection in place of ending it: the other side gets ECONNRESET."""
    lingering_for_no_time = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering_for_no_time)
    writer.transport.abort()


async def hanging(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def as_event(piece: Piece) -> bytes:
    if isinstance(piece, dict):
        return b"data: " + json.dumps(piece).encode() + b"\n\n"
    return piece.encode() if isinstance(piece, str) else piece


def delta(text: object = None, *, finish: str | None = None, **more: object) -> Json:
    """A chunk as most servers send it."""
    content: Json = {} if text is None else {"content": text}
    return {"id": "c1", "choices": [{"index": 0, "delta": content | more, "finish_reason": finish}]}


DONE = "data: [DONE]\n\n"


async def pass_until(clock: FakeClock, task: asyncio.Future[Any]) -> float:
    """Let time pass on `clock` until `task` is done; give the seconds it took."""
    began = clock.monotonic()
    async with asyncio.timeout(DEADLINE_S):
        while not task.done():
            await clock.advance(1)
    return clock.monotonic() - began
