"""What the sentences of an answer cost that is said while it is written, and ends early."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.errors import BotError
from bot.quotas.rules import Kind
from bot.speech.pronunciation import Pronunciation
from bot.speech.recital import AT_ONCE, Recital
from bot.speech.utterance import Label, Utterance
from tests.support.workshop import CALLER, DEADLINE_S, Workshop, refusing, workshop

SENTENCES = ["The tide comes in twice a day. ", "It stays for a while up there. ", "Then it goes out again slowly. "]


@asynccontextmanager
async def reciting(folder: Path) -> AsyncIterator[tuple[Workshop, Recital, Utterance]]:
    """Say an answer aloud whose first sentences are asked for, as many as go together, and not answered yet."""
    asked = asyncio.Event()

    async def silent(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        if len(shop.asked) == AT_ONCE:
            asked.set()
        return await asyncio.Future()

    utterance = Utterance(Label(CALLER.user_id, CALLER.name, "The tides"))
    utterance.near.set()

    async def begin() -> Utterance:
        return utterance

    async with workshop(folder, silent) as shop:
        recital = Recital(
            shop.api,
            shop.ledger,
            CALLER,
            begin,
            voice="alloy",
            model="tts-1",
            pronunciation=Pronunciation({}),
            sounds=shop.intake.sounds,
        )
        await recital.__aenter__()
        for sentence in SENTENCES:
            recital.hear(sentence)
        await asyncio.wait_for(asked.wait(), DEADLINE_S)
        yield shop, recital, utterance


async def test_any_fault_at_all_of_the_voice_leaves_the_answer_alone(tmp_path: Path) -> None:
    async def begin() -> Utterance:
        raise RuntimeError("odd")

    async with workshop(tmp_path, refusing_all) as shop:
        pronunciation = Pronunciation({})
        async with Recital(
            shop.api, shop.ledger, CALLER, begin, voice="alloy", model="tts-1", pronunciation=pronunciation
        ) as recital:
            recital.hear(SENTENCES[0])
            recital.finish()
        assert recital.fault is not None
        assert recital.fault.sentence == BotError.sentence


async def refusing_all(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
    return refusing(500)


async def cost(shop: Workshop) -> int:
    return await shop.used(Kind.SPEECH_CHARACTERS)


async def test_people_pay_for_what_was_asked_for_when_they_ended_the_answer(tmp_path: Path) -> None:
    async with reciting(tmp_path) as (shop, recital, _):
        recital.give_up()
        await recital.__aexit__(None, None, None)
        assert len(shop.asked) == AT_ONCE
        assert await cost(shop) == sum(len(wanted["input"]) for wanted in shop.asked)


async def test_people_pay_for_what_was_asked_for_when_they_skipped_it(tmp_path: Path) -> None:
    async with reciting(tmp_path) as (shop, recital, utterance):
        utterance.drop()
        await recital.__aexit__(None, None, None)
        assert await cost(shop) == sum(len(wanted["input"]) for wanted in shop.asked)


async def test_an_answer_that_fails_or_a_stop_of_the_bot_gives_it_back(tmp_path: Path) -> None:
    async with reciting(tmp_path) as (shop, recital, _):
        await recital.__aexit__(None, None, None)
        assert len(shop.asked) == AT_ONCE
        assert await cost(shop) == 0
