"""The sandbox's AI service, asked by a plain aiohttp client."""

import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import av
import pytest
from PIL import Image

from sandbox.openai.sample_speech import VOICES, SpeechSynthesizer
from sandbox.openai.server import OpenAiServer

HELLO = {"role": "user", "content": "How do tides work?"}


@pytest.fixture
async def api() -> AsyncIterator[OpenAiServer]:
    async with OpenAiServer() as api:
        yield api


@pytest.fixture
async def client(api: OpenAiServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {api.key}"}) as session:
        yield session


async def post(client: aiohttp.ClientSession, api: OpenAiServer, path: str, body: Any) -> tuple[int, Any]:
    async with client.post(f"{api.base_url}{path}", json=body) as response:
        return response.status, await response.json()


def events(stream: str) -> list[Any]:
    data = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    return [part if part == "[DONE]" else json.loads(part) for part in data]


async def stream(client: aiohttp.ClientSession, api: OpenAiServer, *messages: Any) -> list[Any]:
    body = {"model": "gpt-4.1", "messages": list(messages) or [HELLO], "stream": True}
    async with client.post(f"{api.base_url}/chat/completions", json=body) as response:
        assert response.content_type == "text/event-stream"
        return events(await response.text())


def text_of(parts: list[Any]) -> str:
    return "".join(
        choice["delta"].get("content") or "" for part in parts if part != "[DONE]" for choice in part["choices"]
    )


def seconds(sound: bytes) -> float:
    with av.open(io.BytesIO(sound), "r") as container:
        assert container.streams.audio[0].codec_context.name.startswith("mp3")
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


async def test_the_models_are_listed_as_openai_does(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.models = ["gpt-4.1", "tts-1"]
    async with client.get(f"{api.base_url}/models") as response:
        listed = await response.json()
    assert listed["object"] == "list"
    assert [entry["id"] for entry in listed["data"]] == ["gpt-4.1", "tts-1"]


async def test_another_key_is_refused(api: OpenAiServer) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer other"}) as client,
        client.get(f"{api.base_url}/models") as response,
    ):
        assert response.status == 401
        assert (await response.json())["error"]["code"] == "invalid_api_key"


async def test_a_stream_has_a_role_then_words_then_usage_and_done(
    api: OpenAiServer, client: aiohttp.ClientSession
) -> None:
    parts = await stream(client, api)
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    assert parts[-3]["choices"][0]["finish_reason"] == "stop"
    assert parts[-2]["choices"] == []
    assert parts[-2]["usage"]["completion_tokens"] > 0
    assert parts[-1] == "[DONE]"
    assert "sandbox" in text_of(parts)
    assert "How do tides work?" in text_of(parts)


async def test_a_plain_completion_says_the_same_as_a_stream(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    streamed = text_of(await stream(client, api))
    status, whole = await post(client, api, "/chat/completions", {"model": "gpt-4.1", "messages": [HELLO]})
    assert status == 200
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == streamed
    assert whole["usage"]["total_tokens"] > whole["usage"]["prompt_tokens"] > 0


async def test_a_follow_up_shows_that_the_history_arrived(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    answer = {"role": "assistant", "content": "The moon pulls."}
    parts = await stream(client, api, HELLO, answer, {"role": "user", "content": "And why twice a day?"})
    assert "You first asked me about “How do tides work?”, and now “And why twice a day?”" in text_of(parts)


@pytest.mark.parametrize("text", ["a\r\nb\n```py\nx\n```", "🎉é\u200d" * 50, " \n\n  ", "x" * 5000], ids=repr)
async def test_a_scripted_answer_arrives_to_the_letter(
    api: OpenAiServer, client: aiohttp.ClientSession, text: str
) -> None:
    api.script(text)
    assert text_of(await stream(client, api)) == text
    assert text_of(await stream(client, api)) != text


async def test_scripts_go_to_whom_they_are_meant_for(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.script(["one", " two"], when=lambda body: body["messages"][-1]["content"] == "B", times=None)
    assert "sandbox" in text_of(await stream(client, api, {"role": "user", "content": "A"}))
    parts = await stream(client, api, {"role": "user", "content": "B"})
    assert [part["choices"][0]["delta"]["content"] for part in parts[1:3]] == ["one", " two"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"messages": [HELLO]}, 400, None),
        ({"model": "gpt-9", "messages": [HELLO]}, 404, "model_not_found"),
        ({"model": "dall-e-3", "messages": [HELLO]}, 404, None),
        ({"model": "gpt-4.1"}, 400, "missing_required_parameter"),
        ({"model": "gpt-4.1", "messages": []}, 400, "empty_array"),
        ({"model": "gpt-4.1", "messages": [{"role": "boss", "content": "x"}]}, 400, "invalid_value"),
        ({"model": "gpt-4.1", "messages": [{"role": "user"}]}, 400, None),
        ({"model": "gpt-4.1", "messages": [HELLO], "colour": "red"}, 400, None),
        (
            {"model": "gpt-4.1", "messages": [{"role": "user", "content": "x" * 600_000}]},
            400,
            "context_length_exceeded",
        ),
        ({"model": "tts-1", "input": "Hello"}, 400, "missing_required_parameter"),
        ({"model": "tts-1", "input": "Hello", "voice": "bob"}, 400, "invalid_value"),
        ({"model": "tts-1", "input": "x" * 4097, "voice": "alloy"}, 400, "string_too_long"),
        ({"model": "tts-1", "input": " ", "voice": "alloy"}, 400, None),
        ([], 400, None),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_openai_would_refuse_is_refused(
    api: OpenAiServer, client: aiohttp.ClientSession, body: Any, status: int, code: str | None
) -> None:
    got, told = await post(client, api, "/chat/completions", body)
    assert (got, told["error"]["code"]) == (status, code)
    assert told["error"]["type"] == "invalid_request_error"
    assert api.requests[-1].status == status


@pytest.mark.parametrize("path", ["/chat/completions", "/audio/speech"])
async def test_speech_is_an_mp3_one_can_play(api: OpenAiServer, client: aiohttp.ClientSession, path: str) -> None:
    body = {"model": "tts-1", "input": "Hello there, I am the sandbox.", "voice": "nova"}
    async with client.post(f"{api.base_url}{path}", json=body) as response:
        assert response.content_type == "audio/mpeg"
        sound = await response.read()
    assert 0.5 < seconds(sound) < 10


@pytest.mark.parametrize("kind", ["speech", "tones"])
async def test_every_voice_sounds_different(kind: Any) -> None:
    if SpeechSynthesizer().kind == "tones" and kind == "speech":
        pytest.skip("espeakng-loader is not installed")
    voices = SpeechSynthesizer(kind)
    sounds = {await voices.speak("One, two, three.", name) for name in VOICES}
    assert len(sounds) == len(VOICES)
    assert all(seconds(sound) > 0.5 for sound in sounds)


async def test_pictures_open_and_have_the_size_asked_for(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    body = {"model": "dall-e-2", "prompt": "a lighthouse", "n": 2, "size": "256x256"}
    status, told = await post(client, api, "/images/generations", body)
    pictures = [base64.b64decode(entry["b64_json"]) for entry in told["data"]]
    assert status == 200
    assert [Image.open(io.BytesIO(data)).size for data in pictures] == [(256, 256)] * 2
    assert pictures[0] != pictures[1]


async def test_pictures_can_be_fetched_by_their_address(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    api.image_generator.by_url = True
    _, told = await post(client, api, "/images/generations", {"model": "dall-e-3", "prompt": "a lighthouse"})
    async with client.get(told["data"][0]["url"]) as response:
        assert response.content_type == "image/png"
        assert Image.open(io.BytesIO(await response.read())).size == (1024, 1024)


@pytest.mark.parametrize(
    ("change", "status"),
    [({"n": 2}, 400), ({"size": "7x7"}, 400), ({"prompt": ""}, 400), ({"model": "gpt-4.1"}, 404), ({"n": "2"}, 400)],
    ids=str,
)
async def test_image_requests_are_held_to_the_model(
    api: OpenAiServer, client: aiohttp.ClientSession, change: Any, status: int
) -> None:
    body = {"model": "dall-e-3", "prompt": "a lighthouse", **change}
    got, told = await post(client, api, "/images/generations", body)
    assert got == status
    assert told["error"]["message"]


async def test_calls_are_recorded_in_order(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    await stream(client, api)
    await post(client, api, "/audio/speech", {"model": "tts-1"})
    assert [(call.sequence, call.kind, call.path) for call in api.requests] == [
        (1, "chat", "/v1/chat/completions"),
        (2, "speech", "/v1/audio/speech"),
    ]
    assert api.calls("chat")[0].messages == [HELLO]
    assert not api.requests[0].running


async def test_other_paths_are_not_there(api: OpenAiServer, client: aiohttp.ClientSession) -> None:
    status, told = await post(client, api, "/completions", {})
    assert status == 404
    assert "Invalid URL" in told["error"]["message"]
