"""From a text to one MP3, over a real client, with a real ledger."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.clock import SystemClock
from bot.context import Permission, RequestContext
from bot.errors import ApiServerError, InvalidApiResponse, InvalidOption, NoSpeakableText, QuotaExceeded
from bot.messages import speech as texts
from bot.messages.render import render
from bot.quotas.ledger import Reservation
from bot.speech.chunking import split_text
from bot.speech.inline_speech import speakable_typed_text
from bot.speech.mp3 import TooLongToSend, duration_s
from bot.speech.sentence_stream import TooLongToSpeak, speakable_markdown
from bot.speech.text_to_speech import MAX_CONCURRENT, SayUseCase, Speech, TextToSay, TextToSpeech, ToSpeakable
from bot.speech.utterance import Label, Utterance
from bot.speech.voice_settings import VOICES
from bot.store.quota_limits import Kind
from bot.text_work import SLICE_CHARACTERS
from tests.support.event_loop_turns import count_turns
from tests.support.make_sound import SOUNDLESS, mp3, sound
from tests.support.request_runs import MIB_10, MemorySpeechOutput, run_or_raise
from tests.support.service_harness import (
    DEADLINE_S,
    REQUESTER,
    Handler,
    ServiceHarness,
    error_response,
    open_service_harness,
)

SOUND = mp3(1.2)
PIECES = split_text("".join(f"This is sentence number {number} of a long text. " for number in range(320)))
LONG = " ".join(PIECES)
CHARACTERS = Kind.SPEECH_CHARACTERS


async def speaking(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
    return web.Response(body=SOUND, content_type="audio/mpeg")


def failing_from(number: int, fail: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Handler:
    """Speak the long text's pieces, but let those from `number` on fail."""

    async def handle(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        if PIECES.index(wanted["input"]) < number:
            return await speaking(wanted, request)
        return await fail(request)

    return handle


async def trouble(request: web.Request) -> web.StreamResponse:
    return error_response(500)


async def garbage(request: web.Request) -> web.StreamResponse:
    """What begins like MPEG audio and goes on like nothing."""
    return web.Response(body=b"\xff\xfb\x90\x64" + b"not sound at all " * 200, content_type="audio/mpeg")


def breaking_off(sound: bytes) -> Callable[[web.Request], Any]:
    """Send `sound` and break the connection before the promised end."""

    async def fail(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(sound) + 1000)})
        await response.prepare(request)
        await response.write(sound)
        assert request.transport is not None
        request.transport.close()
        return response

    return fail


def saying_in(shop: ServiceHarness) -> TextToSpeech:
    return TextToSpeech(shop.api.speech, shop.ledger, shop.pronunciations, shop.workers.audio, SystemClock())


def alloy(text: str, to_speakable: ToSpeakable = speakable_typed_text) -> TextToSay:
    return TextToSay(text, "alloy", "tts-1", to_speakable)


async def prepare(
    shop: ServiceHarness, text: TextToSay, requester: RequestContext = REQUESTER
) -> tuple[SayUseCase, Reservation]:
    use_case = saying_in(shop).say(requester, text, MemorySpeechOutput())
    return use_case, await use_case.prepare()


async def say(shop: ServiceHarness, text: str, upload_limit: int = MIB_10) -> Speech:
    output = MemorySpeechOutput(upload_limit)
    await run_or_raise(saying_in(shop).say(REQUESTER, alloy(text), output))
    (speech,) = output.shown
    return speech


async def read_aloud(shop: ServiceHarness, text: str, utterance: Utterance) -> None:
    async def enqueue(label: Label) -> Utterance:
        return utterance

    await run_or_raise(saying_in(shop).read(REQUESTER, alloy(text), enqueue))


def test_the_long_text_has_four_pieces() -> None:
    assert len(PIECES) == 4


async def test_a_short_text_is_asked_for_once_and_sent_as_it_came(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        speech = await say(shop, "**Hello** there!")
        assert shop.asked == [{"model": "tts-1", "input": "Hello there!", "voice": "alloy"}]
        assert speech == Speech(SOUND, 12, None, "speech.mp3")
        assert await shop.used(CHARACTERS) == 12


async def test_words_are_said_as_the_server_wants_and_known_as_they_are_written(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        await shop.pronunciations.add(
            dataclasses.replace(REQUESTER, permissions=frozenset(Permission)), "gif", "jiff, the picture"
        )
        prepared, _ = await prepare(shop, alloy("A **GIF**!\n```py\ngif\n```", speakable_markdown))
        assert prepared.chunks == ("A jiff, the picture!\nHere is some code in Python.",)
        assert await shop.used(CHARACTERS) == prepared.characters == len(prepared.chunks[0])
        assert prepared.label.title == "A GIF!\nHere is some code in Python."
        private = dataclasses.replace(REQUESTER, guild_id=None)
        assert (await prepare(shop, alloy("A GIF"), private))[0].chunks == ("A GIF",)


async def test_others_have_their_turn_while_one_long_line_is_looked_through_for_words(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        await shop.pronunciations.add(
            dataclasses.replace(REQUESTER, permissions=frozenset(Permission)), "가나", "ga na"
        )
        async with count_turns() as turns:
            prepared, _ = await prepare(shop, alloy("가" * 5_999 + "나"))
            assert turns() >= 6_000 // SLICE_CHARACTERS
        assert "".join(prepared.chunks) == "가" * 5_998 + "ga na"


async def test_words_that_make_a_text_too_long_are_refused_before_anything_is_spent(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        await shop.pronunciations.add(
            dataclasses.replace(REQUESTER, permissions=frozenset(Permission)), "가", "g" * 120
        )
        with pytest.raises(TooLongToSpeak):
            await prepare(shop, alloy("가" * 400))
        assert await shop.used(CHARACTERS) == 0
        assert (await prepare(shop, alloy("가" * 300)))[0].characters == 36_000


async def test_a_long_text_is_asked_for_in_pieces_and_joined_in_order(tmp_path: Path) -> None:
    seconds = [1.0, 2.0, 0.5, 1.5]
    at_once = most = 0

    async def of_different_lengths(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if wanted["input"] == PIECES[0] and most < MAX_CONCURRENT:
            await both_there.wait()
        both_there.set()
        at_once -= 1
        return web.Response(body=mp3(seconds[PIECES.index(wanted["input"])]), content_type="audio/mpeg")

    both_there = asyncio.Event()
    async with open_service_harness(tmp_path, of_different_lengths) as shop:
        speech = await say(shop, LONG)
        assert sorted(PIECES.index(wanted["input"]) for wanted in shop.asked) == [0, 1, 2, 3]
        assert duration_s(speech.mp3) == pytest.approx(5, abs=0.4)
        assert speech.note is None
        assert speech.characters == await shop.used(CHARACTERS) == sum(map(len, PIECES))
    assert most == MAX_CONCURRENT


async def test_what_is_dropped_from_the_line_is_given_back_as_far_as_it_was_not_asked_for(tmp_path: Path) -> None:
    async def dropping(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        dropped_midway.drop()
        return await speaking(wanted, request)

    dropped_before, dropped_midway = (Utterance(Label(REQUESTER.user_id, REQUESTER.name, "Hello")) for _ in range(2))
    async with open_service_harness(tmp_path, dropping) as shop:
        dropped_before.drop()
        await read_aloud(shop, LONG, dropped_before)
        assert shop.asked == []
        assert await shop.used(CHARACTERS) == 0
        dropped_midway.due.set()
        await read_aloud(shop, LONG, dropped_midway)
        assert 1 <= len(shop.asked) <= MAX_CONCURRENT
        assert await shop.used(CHARACTERS) == sum(len(wanted["input"]) for wanted in shop.asked)


async def test_nothing_sayable_asks_and_spends_nothing(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        with pytest.raises(NoSpeakableText) as told:
            await say(shop, "🎉 ... ||secret||")
        assert "nothing in that text" in render(told.value.message)
        assert shop.asked == []
        assert await shop.used(CHARACTERS) == 0


async def test_a_spent_quota_refuses_before_anything_is_asked(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking, member_speech_characters=20) as shop:
        await say(shop, "Fifteen letters")
        with pytest.raises(QuotaExceeded) as told:
            await say(shop, "Six more")
        assert "<t:" in render(told.value.message)
        assert len(shop.asked) == 1
        assert await shop.used(CHARACTERS) == 15


async def test_a_failure_on_the_way_to_the_work_gives_the_characters_back(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        prepared, reservation = await prepare(shop, alloy("Hello"))
        assert await shop.used(CHARACTERS) == prepared.characters == 5
        with pytest.raises(ConnectionError):
            async with reservation:
                raise ConnectionError  # the acknowledgement did not arrive
        assert await shop.used(CHARACTERS) == 0


async def test_when_nothing_is_spoken_the_error_is_raised_and_all_is_given_back(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, failing_from(0, trouble)) as shop:
        with pytest.raises(ApiServerError):
            await say(shop, LONG)
        assert len(shop.asked) <= MAX_CONCURRENT
        assert await shop.used(CHARACTERS) == 0


async def test_when_a_later_piece_fails_the_beginning_is_given_with_a_note(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, failing_from(2, trouble)) as shop:
        speech = await say(shop, LONG)
        assert duration_s(speech.mp3) == pytest.approx(2 * 1.2, abs=0.2)
        assert speech.note == texts.only_beginning(ApiServerError.message)
        assert speech.characters == await shop.used(CHARACTERS) == len(PIECES[0]) + len(PIECES[1])


async def test_a_piece_that_is_no_sound_is_not_paid_for(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, failing_from(1, garbage)) as shop:
        speech = await say(shop, LONG)
        assert duration_s(speech.mp3) == pytest.approx(1.2, abs=0.1)
        assert speech.note is not None
        assert await shop.used(CHARACTERS) == len(PIECES[0])


async def test_what_came_before_a_break_is_given_with_a_note_and_paid_for(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, failing_from(0, breaking_off(SOUND))) as shop:
        speech = await say(shop, PIECES[0])
        assert duration_s(speech.mp3) == pytest.approx(1.2, abs=0.1)
        assert speech.note == texts.only_beginning(InvalidApiResponse.message)
        assert await shop.used(CHARACTERS) == len(PIECES[0])


async def test_a_blip_before_a_break_is_no_use_and_not_paid_for(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, failing_from(0, breaking_off(mp3(0.3)))) as shop:
        with pytest.raises(InvalidApiResponse):
            await say(shop, PIECES[0])
        assert await shop.used(CHARACTERS) == 0


async def test_a_cancelled_speech_pays_for_what_came_and_asks_for_no_more(tmp_path: Path) -> None:
    hanging: list[web.Request] = []
    both_hang = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        hanging.append(request)
        if len(hanging) == MAX_CONCURRENT:  # the third piece is asked for once the first is done
            both_hang.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with open_service_harness(tmp_path, failing_from(1, hang)) as shop:
        speaking_on = asyncio.create_task(say(shop, LONG))
        await asyncio.wait_for(both_hang.wait(), DEADLINE_S)
        speaking_on.cancel()
        await asyncio.wait({speaking_on})
        assert speaking_on.cancelled()
        assert len(shop.asked) == 3
        assert await shop.used(CHARACTERS) == len(PIECES[0])


async def test_a_file_over_the_upload_limit_is_made_smaller(tmp_path: Path) -> None:
    big = mp3(4, rate=44_100, channels=2, kbits=192)

    async def loud(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        return web.Response(body=big, content_type="audio/mpeg")

    async with open_service_harness(tmp_path, loud) as shop:
        speech = await say(shop, "Hello", upload_limit=60_000)
        assert len(speech.mp3) <= 60_000 < len(big)
        assert duration_s(speech.mp3) == pytest.approx(4, abs=0.2)
        with pytest.raises(TooLongToSend):
            await say(shop, "Hello", upload_limit=2_000)
        assert await shop.used(CHARACTERS) == 10


@pytest.mark.parametrize(
    ("typed", "sent"), [("nova", "nova"), (" Nova ", "nova"), ("en-US_Aria:v2.1", "en-US_Aria:v2.1")]
)
async def test_voices_of_other_servers_are_passed_on(tmp_path: Path, typed: str, sent: str) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        await run_or_raise(saying_in(shop).say(REQUESTER, TextToSay("Hello", typed, "tts-1"), MemorySpeechOutput()))
        assert [asked["voice"] for asked in shop.asked] == [sent]


@pytest.mark.parametrize("typed", ["", "two words", "x" * 65, '"}'])
async def test_what_cannot_be_a_voice_is_refused(tmp_path: Path, typed: str) -> None:
    async with open_service_harness(tmp_path, speaking) as shop:
        with pytest.raises(InvalidOption) as told:
            await prepare(shop, TextToSay("Hello", typed, "tts-1"))
        assert all(voice in render(told.value.message) for voice in VOICES)
        assert await shop.used(CHARACTERS) == 0


def giving(body: bytes, media_type: str = "audio/mpeg") -> Handler:
    async def handle(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=media_type)

    return handle


@pytest.mark.parametrize("body", SOUNDLESS.values(), ids=SOUNDLESS)
async def test_a_body_without_sound_gives_no_file_and_costs_nothing(tmp_path: Path, body: bytes) -> None:
    async with open_service_harness(tmp_path, giving(body)) as shop:
        with pytest.raises(InvalidApiResponse):
            await say(shop, "Hello there!")
        assert await shop.used(CHARACTERS) == 0


@pytest.mark.parametrize("body", SOUNDLESS.values(), ids=SOUNDLESS)
async def test_a_body_without_sound_that_is_only_heard_costs_nothing(tmp_path: Path, body: bytes) -> None:
    async with open_service_harness(tmp_path, giving(body)) as shop:
        aloud_in = Utterance(Label(REQUESTER.user_id, REQUESTER.name, "Hello"))
        aloud_in.due.set()
        with pytest.raises(InvalidApiResponse):
            await read_aloud(shop, "Hello there!", aloud_in)
        assert await shop.used(CHARACTERS) == 0


@pytest.mark.parametrize("kind", ["wav", "ogg", "flac"])
@pytest.mark.parametrize("media_type", ["audio/mpeg", "audio/wav", "application/octet-stream"])
async def test_other_kinds_of_sound_are_sent_as_mp3(tmp_path: Path, kind: str, media_type: str) -> None:
    async with open_service_harness(tmp_path, giving(sound(kind, 1.5), media_type)) as shop:
        speech = await say(shop, "Hello there!")
        assert duration_s(speech.mp3) == pytest.approx(1.5, abs=0.1)
        assert (speech.filename, speech.note) == ("speech.mp3", None)
        assert await shop.used(CHARACTERS) == 12


async def test_a_wav_that_was_streamed_and_so_tells_no_length_is_sent_whole(tmp_path: Path) -> None:
    body = bytearray(sound("wav", 1.5))
    at = body.index(b"data")
    body[4:8] = body[at + 4 : at + 8] = b"\xff" * 4
    async with open_service_harness(tmp_path, giving(bytes(body))) as shop:
        assert duration_s((await say(shop, "Hello there!")).mp3) == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    "body",
    [b"RIFF\0\0\0\0WAVE", b"OggS" + bytes(60), b"fLaC" + bytes(60), sound("wav", 0)],
    ids=["wav", "ogg", "flac", "0 s"],
)
async def test_other_kinds_without_sound_cost_nothing_either(tmp_path: Path, body: bytes) -> None:
    async with open_service_harness(tmp_path, giving(body)) as shop:
        with pytest.raises(InvalidApiResponse):
            await say(shop, "Hello there!")
        assert await shop.used(CHARACTERS) == 0
