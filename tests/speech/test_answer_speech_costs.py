"""What the sentences of an answer cost that is said while it is written, and ends early."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.errors import BotError, InvalidApiResponse
from bot.messages.render import render
from bot.speech.answer_speech import MAX_CONCURRENT, AnswerSpeaker, StartUtterance
from bot.speech.pronunciations import Pronunciation
from bot.speech.utterance import Label, Utterance
from bot.store.quota_limits import Kind
from tests.support.make_sound import SOUNDLESS, mp3
from tests.support.service_harness import DEADLINE_S, REQUESTER, ServiceHarness, error_response, open_service_harness

SENTENCES = ["The tide comes in twice a day. ", "It stays for a while up there. ", "Then it goes out again slowly. "]


def speaker_in(shop: ServiceHarness, start_utterance: StartUtterance) -> AnswerSpeaker:
    return AnswerSpeaker(
        shop.api.speech,
        shop.ledger,
        REQUESTER,
        start_utterance,
        voice="alloy",
        model="tts-1",
        pronunciation=Pronunciation({}),
        workers=shop.workers.audio,
    )


@asynccontextmanager
async def speaking_answer(folder: Path) -> AsyncIterator[tuple[ServiceHarness, AnswerSpeaker, Utterance]]:
    """Say an answer aloud whose first sentences are asked for, as many as go together, and not answered yet."""
    asked = asyncio.Event()

    async def silent(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        if len(shop.asked) == MAX_CONCURRENT:
            asked.set()
        return await asyncio.Future()

    utterance = Utterance(Label(REQUESTER.user_id, REQUESTER.name, "The tides"))
    utterance.due.set()

    async def start_utterance() -> Utterance:
        return utterance

    async with open_service_harness(folder, silent) as shop:
        speaker = speaker_in(shop, start_utterance)
        await speaker.__aenter__()
        for sentence in SENTENCES:
            speaker.on_text(sentence)
        await asyncio.wait_for(asked.wait(), DEADLINE_S)
        yield shop, speaker, utterance


async def test_any_fault_at_all_of_the_voice_leaves_the_answer_alone(tmp_path: Path) -> None:
    async def start_utterance() -> Utterance:
        raise RuntimeError("odd")

    async with open_service_harness(tmp_path, refusing_all) as shop:
        async with speaker_in(shop, start_utterance) as speaker:
            speaker.on_text(SENTENCES[0])
            speaker.on_complete()
        assert speaker.error is not None
        assert render(speaker.error.message) == render(BotError.message)


async def refusing_all(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
    return error_response(500)


async def test_an_utterance_ends_too_where_a_sentence_failed_before_the_next_was_requested(tmp_path: Path) -> None:
    utterance = Utterance(Label(REQUESTER.user_id, REQUESTER.name, "The tides"))
    utterance.due.set()

    async def start_utterance() -> Utterance:
        return utterance

    async with open_service_harness(tmp_path, refusing_all) as shop:
        async with asyncio.timeout(DEADLINE_S), speaker_in(shop, start_utterance) as speaker:
            speaker.on_text(SENTENCES[0] + SENTENCES[1][:9])
            await utterance.changed.wait()
            # Both at once: the request for the second is cancelled before it has begun.
            speaker.on_text(SENTENCES[1][9:] + SENTENCES[2])
            speaker.on_complete()
        assert speaker.error is not None
        assert utterance.is_fully_received


async def cost(shop: ServiceHarness) -> int:
    return await shop.used(Kind.SPEECH_CHARACTERS)


async def test_people_pay_for_what_was_asked_for_when_they_ended_the_answer(tmp_path: Path) -> None:
    async with speaking_answer(tmp_path) as (shop, speaker, _):
        speaker.on_cancelled()
        await speaker.__aexit__(None, None, None)
        assert len(shop.asked) == MAX_CONCURRENT
        assert await cost(shop) == sum(len(wanted["input"]) for wanted in shop.asked)


async def test_people_pay_for_what_was_asked_for_when_they_skipped_it(tmp_path: Path) -> None:
    async with speaking_answer(tmp_path) as (shop, speaker, utterance):
        utterance.drop()
        await speaker.__aexit__(None, None, None)
        assert await cost(shop) == sum(len(wanted["input"]) for wanted in shop.asked)


async def test_an_answer_that_fails_or_a_stop_of_the_bot_gives_it_back(tmp_path: Path) -> None:
    async with speaking_answer(tmp_path) as (shop, speaker, _):
        await speaker.__aexit__(None, None, None)
        assert len(shop.asked) == MAX_CONCURRENT
        assert await cost(shop) == 0


async def recited(folder: Path, body: bytes) -> tuple[AnswerSpeaker, int]:
    """Say an answer whose every sentence gives this body; also tells what it cost."""

    async def speaking(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="audio/mpeg")

    utterance = Utterance(Label(REQUESTER.user_id, REQUESTER.name, "The tides"))
    utterance.due.set()

    async def start_utterance() -> Utterance:
        return utterance

    async with open_service_harness(folder, speaking) as shop:
        async with asyncio.timeout(DEADLINE_S), speaker_in(shop, start_utterance) as speaker:
            speaker.on_text(SENTENCES[0])
            speaker.on_complete()
        return speaker, await cost(shop)


@pytest.mark.parametrize("body", SOUNDLESS.values(), ids=SOUNDLESS)
async def test_a_sentence_that_gives_no_sound_costs_nothing_and_is_told(tmp_path: Path, body: bytes) -> None:
    speaker, paid = await recited(tmp_path, body)
    assert isinstance(speaker.error, InvalidApiResponse)
    assert paid == 0


async def test_a_sentence_that_gives_sound_costs_its_characters(tmp_path: Path) -> None:
    speaker, paid = await recited(tmp_path, mp3(0.5))
    assert speaker.error is None
    assert paid == len(SENTENCES[0].strip())
