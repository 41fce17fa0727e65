"""Speech as its callers get it: MP3 bytes, or an error that fits."""

import asyncio
from contextlib import aclosing

import pytest

from bot.api.api_client import ApiClient
from bot.api.speech import is_mp3
from bot.api.transport import CallLimits
from bot.errors import ApiError, ApiRateLimited, ApiServerError, ApiTimeout, ApiUnreachable, InvalidApiResponse
from tests.api.api_peers import (
    DEADLINE_S,
    Answer,
    Connect,
    chunked,
    hanging,
    pass_until,
    peer,
    replying,
    reset,
    writing,
)
from tests.support.clock import FakeClock
from tests.support.make_sound import mp3

SOUND = mp3(0.3)
FRAME = b"\xff\xf3\x84\xc4" + b"\0" * 400


async def hear(client: ApiClient, text: str = "hello") -> bytes:
    async with aclosing(client.speech.stream("tts-1", text, "alloy")) as pieces:
        return b"".join([piece async for piece in pieces])


async def test_speech_comes_through_byte_for_byte(connect: Connect) -> None:
    async with peer(replying(SOUND, content_type="audio/mpeg")) as api:
        assert await hear(connect(api.base_url)) == SOUND

    assert api.requests[0].line == "POST /v1/chat/completions HTTP/1.1"
    assert api.requests[0].json == {"model": "tts-1", "input": "hello", "voice": "alloy"}


async def test_speech_is_posted_where_the_operator_says(connect: Connect) -> None:
    async with peer(replying(SOUND)) as api:
        assert await hear(connect(api.base_url, speech_path="/audio/speech")) == SOUND

    assert api.requests[0].line == "POST /v1/audio/speech HTTP/1.1"


SENDINGS = {
    "wrong content type": replying(FRAME, content_type="application/json"),
    "chunked": chunked(FRAME[:200], FRAME[200:], end="whole"),
    "first bytes one by one": chunked(*(bytes([byte]) for byte in FRAME), end="whole"),
    "closed by end of file": writing(b"HTTP/1.0 200 OK\r\n\r\n", FRAME),
}


@pytest.mark.parametrize("answer", SENDINGS.values(), ids=SENDINGS)
async def test_however_it_is_sent_mp3_is_mp3(connect: Connect, answer: Answer) -> None:
    async with peer(answer) as api:
        assert await hear(connect(api.base_url)) == FRAME


HEADS = {
    "frame of MPEG 1": (b"\xff\xfb\x90\x64\0", True),
    "frame of MPEG 2": (b"\xff\xf3\x84\xc4\0", True),
    "frame of MPEG 2.5": (b"\xff\xe3\x18\xc4\0", True),
    "ID3v2.4": (b"ID3\x04\x00", True),
    "ID3 of no known version": (b"ID3 i", False),
    "AAC": (b"\xff\xf1\x50\x80\0", False),
    "UTF-16 page": (b"\xff\xfe<\0h", False),
    "UTF-16 JSON": (b"\xff\xfe{\0\x22", False),
    "reserved version": (b"\xff\xeb\x90\x64\0", False),
    "bad bitrate": (b"\xff\xfb\xf0\x64\0", False),
    "bad sampling rate": (b"\xff\xfb\x9c\x64\0", False),
    "sync alone": (b"\xff\xff\xff\xff\xff", False),
    "WAV": (b"RIFF\x24", False),
    "Ogg": (b"OggS\0", False),
    "FLAC": (b"fLaC\0", False),
    "too short": (b"\xff\xfb\x90", False),
    "nothing": (b"", False),
}


@pytest.mark.parametrize(("head", "is_one"), HEADS.values(), ids=HEADS)
def test_mp3_is_told_by_its_first_bytes(head: bytes, is_one: bool) -> None:
    assert is_mp3(head) is is_one


def test_what_an_encoder_writes_is_mp3() -> None:
    assert all(is_mp3(mp3(0.1, rate=rate, channels=channels)) for rate in (24_000, 44_100) for channels in (1, 2))


NOT_SPEECH = {
    "JSON": replying({"id": "chatcmpl-1", "choices": []}, content_type="audio/mpeg"),
    "JSON text": replying('"sorry"', content_type="audio/mpeg"),
    "a page": replying("<html></html>", content_type="audio/mpeg"),
    "endless JSON": replying("{" * 300_000, content_type="audio/mpeg"),
    "nothing": replying(b"", content_type="audio/mpeg"),
    "WAV": replying(b"RIFF\x24\0\0\0WAVEfmt ", content_type="audio/mpeg"),
    "cut at its length": writing(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", FRAME),
    "cut between chunks": chunked(FRAME),
    "cut in its first bytes": chunked(b"ID"),
}


@pytest.mark.parametrize("answer", NOT_SPEECH.values(), ids=NOT_SPEECH)
async def test_what_is_no_whole_mp3_is_a_broken_answer_whatever_the_status(connect: Connect, answer: Answer) -> None:
    async with peer(answer) as api:
        with pytest.raises(InvalidApiResponse):
            await hear(connect(api.base_url))

    assert len(api.requests) == 1


async def test_an_error_object_under_a_success_is_that_error(connect: Connect) -> None:
    limited = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    async with peer(replying(limited, content_type="audio/mpeg")) as api:
        with pytest.raises(ApiRateLimited):
            await hear(connect(api.base_url))


async def test_more_than_the_bound_is_a_broken_answer(connect: Connect) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            writer.write(FRAME * 20)
            await writer.drain()

    async with peer(endless) as api:
        with pytest.raises(InvalidApiResponse):
            await hear(connect(api.base_url, limits=CallLimits(speech_bytes=100_000)))
        await asyncio.wait_for(api.closed.wait(), DEADLINE_S)


async def _reset_at_once(writer: asyncio.StreamWriter) -> None:
    reset(writer)


@pytest.mark.parametrize("trouble", [replying(status=503), writing(b""), _reset_at_once], ids=["503", "eof", "reset"])
async def test_trouble_before_the_first_byte_is_tried_again(connect: Connect, trouble: Answer) -> None:
    async with peer(trouble, replying(SOUND)) as api:
        assert await hear(connect(api.base_url)) == SOUND

    assert len(api.requests) == 2


@pytest.mark.parametrize(("answer", "error"), [(replying(status=503), ApiServerError), (writing(b""), ApiUnreachable)])
async def test_lasting_trouble_is_told_after_three_tries(
    connect: Connect, answer: Answer, error: type[ApiError]
) -> None:
    async with peer(answer) as api:
        with pytest.raises(error):
            await hear(connect(api.base_url))

    assert len(api.requests) == 3


async def test_closing_speech_closes_its_connection_at_once(connect: Connect) -> None:
    async with peer(chunked(FRAME, end="hang")) as api:
        pieces = connect(api.base_url).speech.stream("tts-1", "hello", "alloy")
        assert await anext(pieces) == FRAME
        await pieces.aclose()

        await asyncio.wait_for(api.closed.wait(), DEADLINE_S)
    assert api.closed.is_set()


@pytest.mark.parametrize("answer", [hanging, chunked(FRAME, end="hang")], ids=["from the start", "in the middle"])
async def test_a_silent_speaker_is_too_slow_after_a_minute(connect: Connect, answer: Answer) -> None:
    clock = FakeClock()
    async with peer(answer) as api:
        pieces = connect(api.base_url, clock=clock).speech.stream("tts-1", "hello", "alloy")
        if answer is not hanging:
            assert await anext(pieces) == FRAME
        reading = asyncio.ensure_future(anext(pieces))
        await asyncio.wait_for(api.arrived.wait(), DEADLINE_S)
        waited_s = await pass_until(clock, reading)

    assert isinstance(reading.exception(), ApiTimeout)
    assert waited_s == pytest.approx(60, abs=5)
