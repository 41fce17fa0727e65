"""The client as a whole: models, connections, time to connect, and what it keeps to itself."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from aiohttp import web

from bot.api.api_client import MAX_MODELS
from bot.api.chat_events import TextDelta
from bot.api.payloads import ChatMessage
from bot.api.transport import CallLimits
from bot.errors import ApiError, ApiServerError, ApiTimeout, BadRequest, InvalidApiResponse, Unauthorised
from bot.messages.render import render
from tests.api.api_peers import (
    DEADLINE_S,
    DONE,
    KEY,
    Answer,
    Connect,
    as_event,
    chunked,
    delta,
    hanging,
    peer,
    replying,
    streaming,
    writing,
)
from tests.support.clock import FakeClock

HELLO = [ChatMessage("user", "MARKERPROMPT")]


async def test_models_are_listed_once_each_in_order(connect: Connect) -> None:
    entries = [{"id": "gpt-4.1", "object": "model"}, {"id": "tts-1"}, {"id": "gpt-4.1"}, "dall-e-3"]
    async with peer(replying({"object": "list", "data": entries})) as api:
        names = await connect(api.base_url + "/").models.list_names()

    assert names == ["gpt-4.1", "tts-1", "dall-e-3"]
    assert api.requests[0].line == "GET /v1/models HTTP/1.1"
    assert api.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_names_that_are_none_are_left_out(connect: Connect) -> None:
    entries = [{"id": 7}, {"id": ""}, {"id": "x" * 201}, {"id": "a\nb"}, {"name": "x"}, None, 3, {"id": "good"}]
    async with peer(replying({"data": entries})) as api:
        assert await connect(api.base_url).models.list_names() == ["good"]


async def test_an_endless_list_is_cut(connect: Connect) -> None:
    async with peer(replying({"data": [{"id": f"m{number}"} for number in range(MAX_MODELS + 9)]})) as api:
        assert len(await connect(api.base_url).models.list_names()) == MAX_MODELS


NO_LISTS = {
    "no data": (replying({}), InvalidApiResponse),
    "a page": (replying("<html></html>"), InvalidApiResponse),
    "half": (writing(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), InvalidApiResponse),
    "too long": (replying(b" " * 5_000_000), InvalidApiResponse),
    "an error": (replying({"error": {"code": "invalid_api_key"}}), Unauthorised),
    "a 500": (replying("oh", status=500), ApiServerError),
}


@pytest.mark.parametrize(("answer", "error"), NO_LISTS.values(), ids=NO_LISTS)
async def test_what_is_no_list_of_models_is_an_error(connect: Connect, answer: Answer, error: type[ApiError]) -> None:
    async with peer(answer) as api:
        with pytest.raises(error):
            await connect(api.base_url).models.list_names()


@asynccontextmanager
async def ordinary_server(connections: list[object]) -> AsyncIterator[str]:
    """A server as people run them: aiohttp's own, with connections that live on."""

    async def chat(request: web.Request) -> web.StreamResponse:
        connections.append(request.transport)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in (delta("Hi", finish="stop"), DONE):
            await response.write(as_event(piece))
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def test_a_hundred_and_fifty_answers_run_at_once(connect: Connect) -> None:
    waiting = 0
    everyone_is_here = asyncio.Event()

    async def together(writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 150:
            everyone_is_here.set()
        await everyone_is_here.wait()
        await chunked(delta("Hi", finish="stop"), DONE, end="whole")(writer)

    async with peer(together) as api:
        client = connect(api.base_url)
        asks = [client.chat.complete("m", HELLO) for _ in range(150)]
        answers = await asyncio.wait_for(asyncio.gather(*asks), DEADLINE_S)

    assert {answer.text for answer in answers} == {"Hi"}


async def test_an_ordinary_server_is_asked_twice(connect: Connect) -> None:
    connections: list[object] = []
    async with ordinary_server(connections) as base_url:
        client = connect(base_url)
        answers = [await client.chat.complete("m", HELLO), await client.chat.complete("m", HELLO)]

    assert [answer.text for answer in answers] == ["Hi", "Hi"]
    assert len(connections) == 2


async def test_a_connection_that_is_never_taken_up_is_too_slow(connect: Connect) -> None:
    with socket.socket() as server, ExitStack() as waiting:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        # Callers that nobody takes up fill the queue; Linux then leaves the next one without an answer.
        for caller in [waiting.enter_context(socket.socket()) for _ in range(8)]:
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        base_url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        # A clock that stands still: only the limit on connecting can pass.
        client = connect(base_url, clock=FakeClock(), limits=CallLimits(connect_s=0.1))
        with pytest.raises(ApiTimeout):
            await asyncio.wait_for(client.models.list_names(), DEADLINE_S)


async def test_a_stream_that_its_reader_forgets_is_closed_all_the_same(connect: Connect) -> None:
    async with peer(chunked(delta("Once"), end="hang")) as api:
        stream = connect(api.base_url).chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("Once")
        del stream
        gc.collect()

        await asyncio.wait_for(api.closed.wait(), DEADLINE_S)
    assert api.closed.is_set()


async def test_a_call_leaves_no_task_behind(connect: Connect) -> None:
    before = asyncio.all_tasks()
    async with peer(chunked(delta("Hi", finish="stop"), DONE, end="whole")) as api:
        client = connect(api.base_url)
        stream = client.chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("Hi")
        await stream.aclose()
        never_begun = client.chat.stream("m", HELLO)
        await never_begun.aclose()

    async with asyncio.timeout(DEADLINE_S):
        while asyncio.all_tasks() - before:
            await asyncio.wait(asyncio.all_tasks() - before)
    assert len(api.requests) == 1


def secrets_in(text: str) -> list[str]:
    return [secret for secret in (KEY, "MARKER", "127.0.0.1") if secret in text]


LOUD = {
    "an error that quotes": replying({"error": {"message": f"{KEY} MARKERPROMPT", "code": "bad"}}, status=400),
    "trouble": replying("MARKER", status=503),
    "a reset": writing(b""),
    "no HTTP": writing(f"{KEY} MARKER\r\n\r\n".encode()),
    "no JSON": replying('{"choices": ["MARKER"]}'),
    "an event that is no JSON": streaming('data: {"MARKER\n\n'),
    "an error in the stream": streaming({"error": {"message": "MARKER", "code": KEY}}),
}


@pytest.mark.parametrize("answer", LOUD.values(), ids=LOUD)
async def test_neither_key_nor_words_nor_address_show_in_logs_and_errors(
    connect: Connect, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    for name in ("bot", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG if name == "bot" else logging.INFO, logger=name)
    async with peer(answer) as api:
        client = connect(api.base_url)
        with pytest.raises(ApiError) as caught:
            await client.chat.complete("m", HELLO)
        logging.getLogger("bot").error("ask failed", exc_info=caught.value)

    assert secrets_in(caplog.text) == []
    assert secrets_in(f"{caught.value!r} {render(caught.value.message)}") == []


async def test_the_key_shows_in_no_repr(connect: Connect) -> None:
    async with peer(hanging) as api:
        client = connect(api.base_url)

    parts = [client, *vars(client).values(), *vars(client.chat._transport).values()]
    assert KEY not in repr(parts)


async def test_other_4xx_are_bad_requests_with_their_status(connect: Connect) -> None:
    async with peer(replying(status=418)) as api:
        with pytest.raises(BadRequest) as caught:
            await connect(api.base_url).models.list_names()

    assert caught.value.status == 418
