"""Whole answers of the model API, statuses and headers included, as compatible and broken services send them."""

import asyncio
import base64
import json
from contextlib import aclosing, suppress
from random import Random

from bot.api.api_client import ApiClient
from bot.api.payloads import ChatMessage
from bot.api.transport import CallLimits, open_session
from bot.errors import ApiError
from bot.messages.render import render
from bot.workers.pool import DecodingWorkers
from tests.support.clock import NOON, ShortPauseClock
from tests.support.make_picture import picture

PNG = picture(8, 8)
ENCODED = base64.b64encode(PNG).decode()
ODD: tuple[object, ...] = (
    *(None, "", 0, -1, True, 1.5, 1e308, 2**63, 2**64, 10**400, [], {}, [[]], "\x00", "\ud800", "cat", "gpt-4o"),
    *("https://a..b/", "http://[::1", "http://127.0.0.1:9/", "http://127.0.0.1:99999/", "data:,", "data:;base64,!"),
    *(ENCODED, ENCODED.rstrip("="), f"data:image/png;base64,{ENCODED}", "I can't create that.", "content_filter"),
)
NAMES = (
    *("data", "error", "code", "message", "type", "detail", "id", "object", "b64_json", "url", "usage", "created"),
    *("choices", "delta", "content", "finish_reason", "index", "prompt_tokens", "completion_tokens", "status"),
)
DATES = ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "nan", "1e400", "-5", "x")
STATUSES = (200, 200, 200, 200, 201, 204, 301, 400, 401, 404, 413, 422, 429, 500, 503, 999)


def try_one(random: Random) -> None:
    """Ask for everything once; whatever comes, it is an answer or an error of the API's."""
    asyncio.run(_ask_for_everything(random))


async def _ask_for_everything(random: Random) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(_head(random) + b"\r\n" + _body(random))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, open_session() as session, DecodingWorkers() as workers:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        limits = CallLimits(connect_s=2, first_byte_s=5, unstreamed_first_byte_s=5, idle_s=5, tail_s=2)
        api = ApiClient(
            session,
            base_url=base_url,
            key="k",
            clock=ShortPauseClock(NOON, skip_below_s=10),
            workers=workers,
            limits=limits,
            random=random.random,
        )
        for ask in (_models, _images, _speech, _chat):
            fault: ApiError | None = None
            try:
                await ask(api)
            except ApiError as error:
                fault = error
            assert fault is None or (render(fault.message) and str(fault).isprintable())


async def _models(api: ApiClient) -> None:
    assert all(name.isprintable() for name in await api.models.list_names())


async def _images(api: ApiClient) -> None:
    assert {each.data for each in await api.images.generate("m", "a cat", size=None, n=3)} == {PNG}


async def _speech(api: ApiClient) -> None:
    async with aclosing(api.speech.stream("m", "Hello.", "alloy")) as pieces:
        assert [piece async for piece in pieces]


async def _chat(api: ApiClient) -> None:
    async with aclosing(api.chat.stream("m", [ChatMessage("user", "Hello?")])) as events:
        assert [event async for event in events]


def _head(random: Random) -> bytes:
    lines = [f"HTTP/1.1 {random.choice(STATUSES)} So"]
    if random.random() < 0.3:
        lines.append(f"Retry-After: {random.choice(DATES)}")
    if random.random() < 0.3:
        lines.append(f"Date: {random.choice(DATES)}")
    if random.random() < 0.3:
        lines.append(f"Content-Type: {random.choice(('text/html', 'audio/mpeg', '/', 'x; charset=nope', '☃'))}")
    if random.random() < 0.2:
        lines.append(f"Content-Length: {random.choice(('0', '7', '999999', '-1', '9' * 40, 'x'))}")
    if random.random() < 0.1:
        lines.append(f"Content-Encoding: {random.choice(('gzip', 'br', 'nope'))}")
    if random.random() < 0.1:
        lines.append(f"Transfer-Encoding: {random.choice(('chunked', 'gzip', 'nope'))}")
    if random.random() < 0.1:
        lines.append("X: " + "y" * random.choice((10, 9000)))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _body(random: Random) -> bytes:
    kind = random.randrange(10)
    if kind == 0:
        return random.randbytes(random.randrange(200))
    if kind == 1:
        return b"[" * random.choice((10, 100_000))
    if kind == 2:
        return b"\xff\xfb\x90\x64" + random.randbytes(100)
    if kind == 3:
        return b"ID3\x03\x00" + bytes(random.randrange(50))
    value = json.dumps(_value(random, 5))
    if kind == 4:
        return value[: random.randrange(len(value) + 1)].encode()
    return (f"data: {value}\n\n" if kind == 5 else value).encode()


def _value(random: Random, depth: int) -> object:
    if not depth or random.random() < 0.1:
        return random.choice(ODD)
    if depth < 5 and random.random() < 0.4:
        return [_value(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(NAMES): _value(random, depth - 1) for _ in range(random.randrange(1, 6))}
