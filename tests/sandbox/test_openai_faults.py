"""Every fault of the AI service, as a client meets it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from PIL import Image

from sandbox.openai.faults import (
    CONTENT_POLICY,
    CONTEXT_TOO_LONG,
    BadImages,
    Body,
    Cut,
    Endless,
    ErrorMidway,
    Fault,
    Hang,
    PlainJson,
    Raw,
    Reset,
    Slow,
    Stall,
    Status,
    StreamStyle,
)
from sandbox.openai.server import OpenAiServer

CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
SPEECH = {"model": "tts-1", "input": "Hello there, friend.", "voice": "alloy"}
IMAGE = {"model": "dall-e-2", "prompt": "a boat", "size": "256x256"}


@pytest.fixture
async def api() -> AsyncIterator[OpenAiServer]:
    async with OpenAiServer() as api:
        yield api


@pytest.fixture
async def client(api: OpenAiServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as session:
        yield session


def chat(client: aiohttp.ClientSession, api: OpenAiServer, body: Any = CHAT) -> Any:
    return client.post(f"{api.base_url}/chat/completions", json=body)


def draw(client: aiohttp.ClientSession, api: OpenAiServer) -> Any:
    return client.post(f"{api.base_url}/images/generations", json=IMAGE)


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "told"),
    [
        (Status(401, code="invalid_api_key"), 401, "application/json", "invalid_api_key"),
        (Status(402), 402, "application/json", "requested"),
        (Status(403, body="error string"), 403, "application/json", '{"error": "This'),
        (Status(404, code="model_not_found"), 404, "application/json", "model_not_found"),
        (Status(500, body="string"), 500, "application/json", '"This fault was requested."'),
        (Status(502, body="html"), 502, "text/html", "<h1>502 Bad Gateway</h1>"),
        (Status(503), 503, "application/json", "requested"),
        (Status(504, body="empty"), 504, "text/plain", ""),
        (CONTENT_POLICY, 400, "application/json", "content_policy_violation"),
        (CONTEXT_TOO_LONG, 400, "application/json", "context_length_exceeded"),
        (Body(b"\x00\xffgarbage"), 200, "application/json", "garbage"),
        (Body(b"<html>Sorry</html>", "text/html"), 200, "text/html", "Sorry"),
    ],
    ids=str,
)
async def test_a_status_or_body_comes_in_place_of_the_answer(
    api: OpenAiServer, client: aiohttp.ClientSession, fault: Fault, status: int, content_type: str, told: str
) -> None:
    api.faults.next("chat", fault)
    async with chat(client, api) as response:
        assert (response.status, response.content_type) == (status, content_type)
        assert told in await response.text(errors="replace")


async def test_a_limit_may_say_when_to_come_back(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Status(429, retry_after="3"))
    api.faults.next("chat", Status(429))
    waits = []
    for _ in range(2):
        async with chat(client, api) as response:
            assert response.status == 429
            waits.append(response.headers.get("Retry-After"))
    assert waits == ["3", None]


@pytest.mark.parametrize("kind", ["chat", "speech", "images", "models"])
async def test_a_fault_meets_only_its_kind(api: OpenAiServer, client: aiohttp.ClientSession, kind: str) -> None:
    api.faults.always(kind, Status(503))
    statuses = {}
    for name, body in (("chat", CHAT), ("speech", SPEECH)):
        async with chat(client, api, body) as response:
            statuses[name] = response.status
    async with draw(client, api) as response:
        statuses["images"] = response.status
    async with client.get(f"{api.base_url}/models") as response:
        statuses["models"] = response.status
    assert {name for name, status in statuses.items() if status == 503} == {kind}


async def test_faults_end_after_the_requests_they_are_for(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.always("chat", Status(500), when=lambda body: body["model"] == "gpt-4o")
    api.faults.next("chat", Status(503), times=2)
    seen = []
    for model in ("gpt-4.1", "gpt-4o", "gpt-4.1", "gpt-4o"):
        async with chat(client, api, {**CHAT, "model": model}) as response:
            seen.append(response.status)
    api.faults.clear()
    async with chat(client, api, {**CHAT, "model": "gpt-4o"}) as response:
        seen.append(response.status)
    assert seen == [503, 503, 200, 500, 200]


async def test_a_hang_before_the_headers_lasts_until_released(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Hang())
    asking = asyncio.ensure_future(client.post(f"{api.base_url}/chat/completions", json=CHAT))
    await api.until(lambda: len(api.requests) == 1)
    assert not asking.done()
    assert api.requests[0].running
    api.faults.release()
    async with await asking as response:
        assert "[DONE]" in await response.text()


async def test_a_stalled_stream_goes_on_when_released(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Stall(after=3))
    async with chat(client, api) as response:
        heard = [await response.content.readline() for _ in range(6)]  # an event is a line and an empty one
        assert all(line.startswith(b"data: {") for line in heard[::2])
        assert api.requests[0].running
        api.faults.release()
        assert b"[DONE]" in await response.read()


async def test_a_release_before_the_silence_leaves_none(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Stall(after=40), Slow(pace_s=0.001))
    api.script("word " * 100)
    async with chat(client, api) as response:
        await response.content.readline()
        api.faults.release()
        assert b"[DONE]" in await response.read()


async def test_a_client_that_gives_up_is_noticed(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Hang(after_headers=True))
    async with chat(client, api) as response:
        assert response.status == 200
        assert api.requests[0].running
        response.close()
    await api.until(lambda: api.requests[0].closed_early_at is not None)
    assert api.requests[0].finished_at is None


async def test_a_stream_closed_midway_is_noticed(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Slow(pace_s=0.01))
    api.script("word " * 1000)
    async with chat(client, api) as response:
        assert await response.content.readline()
        response.close()
    await api.until(lambda: not api.requests[0].running)
    assert api.requests[0].closed_early_at is not None


@pytest.mark.parametrize("how", ["end", "drop", "reset"])
async def test_a_stream_breaks_off_after_the_words_wanted(
    api: OpenAiServer, client: aiohttp.ClientSession, how: Any
) -> None:
    api.script(["one ", "two ", "three ", "four "])
    api.faults.next("chat", Cut(after=2, how=how))
    seen = b""
    broken = False
    async with chat(client, api) as response:
        try:
            async for piece in response.content.iter_any():
                seen += piece
        except aiohttp.ClientError:
            broken = True
    assert b"two " in seen
    assert b"three" not in seen
    assert b"[DONE]" not in seen
    assert b'"finish_reason": "stop"' not in seen
    assert broken == (how != "end")


async def test_speech_breaks_off_too(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("speech", Cut(after=1, how="drop"))
    async with chat(client, api, SPEECH) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_an_error_comes_in_mid_stream(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.script(["one ", "two "])
    api.faults.next("chat", ErrorMidway(after=1))
    async with chat(client, api) as response:
        text = await response.text()
    assert "one " in text
    assert "two " not in text
    assert json.loads(text.split("data: ")[-1])["error"]["code"] == "server_error"


async def test_a_request_for_a_stream_can_get_plain_json(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", PlainJson())
    async with chat(client, api) as response:
        assert response.content_type == "application/json"
        assert "sandbox" in (await response.json())["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("stream_style", "present", "absent"),
    [
        (StreamStyle(usage="none"), "[DONE]", "usage"),
        (StreamStyle(usage="with choices"), '"delta": {"content": ""}', '"choices": []'),
        (StreamStyle(usage="with finish"), '"finish_reason": "stop"}], "usage"', '"choices": []'),
        (StreamStyle(reasoning=("hm ", "so ")), '{"reasoning_content": "so "}', "nothing"),
        (StreamStyle(role_chunk=False), "[DONE]", '"role"'),
        (StreamStyle(nulls=True), '"tool_calls": null', "nothing"),
        (
            StreamStyle(finish="last content"),
            '{"content": "two"}, "logprobs": null, "finish_reason": "stop"',
            '"delta": {}',
        ),
        (StreamStyle(finish="none", done=False), "two", "[DONE]"),
        (StreamStyle(line_end="\r\n"), "\r\n\r\n", "}\n"),
        (StreamStyle(line_end="\r"), "\r\r", "\n"),
        (StreamStyle(keep_alive=True), ": keep-alive\n\n", "nothing"),
        (StreamStyle(byte_order_mark=True), "\ufeffdata:", "nothing"),
        (StreamStyle(bytes_per_write=3), "[DONE]", "nothing"),
    ],
    ids=str,
)
async def test_the_habits_of_real_servers(
    api: OpenAiServer, client: aiohttp.ClientSession, stream_style: StreamStyle, present: str, absent: str
) -> None:
    api.stream_style = stream_style
    api.script(["one ", "two"])
    async with chat(client, api) as response:
        text = (await response.read()).decode()
    assert present in text
    assert absent not in text


@pytest.mark.parametrize("fault", [Reset(), Raw(b"SSH-2.0-hello\r\n")], ids=str)
async def test_no_http_at_all(api: OpenAiServer, client: aiohttp.ClientSession, fault: Fault) -> None:
    api.faults.always("chat", fault)
    with pytest.raises(aiohttp.ClientError):
        async with chat(client, api):
            pass


async def test_an_old_server_ends_with_the_connection(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("chat", Raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [DONE]\n\n"))
    async with chat(client, api) as response:
        assert await response.text() == "data: [DONE]\n\n"


async def test_connections_can_be_refused_for_a_while(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    async with chat(client, api) as response:
        await response.read()
    async with api.offline():
        with pytest.raises(aiohttp.ClientConnectionError):
            async with chat(client, api):
                pass
    async with chat(client, api) as response:
        assert response.status == 200


async def test_an_endless_body_stops_when_the_client_leaves(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.faults.next("speech", Endless())
    async with chat(client, api, SPEECH) as response:
        assert len(await response.content.readexactly(300_000)) == 300_000
        response.close()
    await api.until(lambda: api.requests[0].closed_early_at is not None)


@pytest.mark.parametrize("how", ["text", "huge", "no base64", "none", "url", "null"])
async def test_pictures_that_are_none(api: OpenAiServer, client: aiohttp.ClientSession, how: Any) -> None:
    api.faults.next("images", BadImages(how, url="http://10.0.0.1/a.png"))
    async with draw(client, api) as response:
        data = (await response.json())["data"]
    assert (how == "none") == (data == [])
    if how == "text":
        assert base64.b64decode(data[0]["b64_json"]).startswith(b"I am a text")
    if how == "huge":
        header = base64.b64decode(data[0]["b64_json"])
        assert len(header) < 1000
        assert Image.MAX_IMAGE_PIXELS is not None
        assert int.from_bytes(header[16:20], "big") * int.from_bytes(header[20:24], "big") > Image.MAX_IMAGE_PIXELS
    if how == "url":
        assert data == [{"url": "http://10.0.0.1/a.png"}]


async def test_hanging_requests_do_not_keep_the_server_from_closing() -> None:
    async with OpenAiServer() as api, aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as client:
        api.faults.next("chat", Hang())
        asking = asyncio.ensure_future(client.post(f"{api.base_url}/chat/completions", json=CHAT))
        await api.until(lambda: len(api.requests) == 1)
    with pytest.raises((aiohttp.ClientError, asyncio.CancelledError)):
        await asking
