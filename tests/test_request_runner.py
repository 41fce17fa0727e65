"""The table of outcomes, row by row: what a request that ends so shows, costs and keeps."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp import web

from bot.api.chat_events import ReasoningDelta, StreamEnd, TextDelta
from bot.api.image_validation import GeneratedImage
from bot.api.transport import SendStatus
from bot.concurrency_limit import ConcurrencyLimiter
from bot.conversation.answering import get_line
from bot.conversation.prompt import estimate_tokens
from bot.conversation.question import Question
from bot.errors import (
    ApiServerError,
    BotError,
    ContentRefused,
    InvalidApiResponse,
    QueueFull,
    QuotaExceeded,
    ShuttingDown,
    StoreUnavailable,
    TurnNotFound,
)
from bot.images.generation import GenerationResult, ImageGenerator, ImageRequest
from bot.inflight.cancellation import CancelReason
from bot.messages import answers as texts
from bot.messages import speech as speech_texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.quotas.token_budget import BLOCK_TOKENS
from bot.request_runner import Outcome, RequestCancelled, RequestEnd, RequestRunner, Shows, UseCase
from bot.speech.chunking import split_text
from bot.speech.text_to_speech import Speech, TextToSay, TextToSpeech
from bot.speech.utterance import Label, Utterance
from bot.store.database import Transaction
from bot.store.quota_limits import Kind
from bot.store.turns import Turn
from bot.store.usage import UsageStore
from bot.streaming.output import Action
from tests.support.clock import NOON, FakeClock
from tests.support.make_picture import picture
from tests.support.make_sound import mp3
from tests.support.request_runs import (
    END,
    PROMPT_TOKENS,
    TEXT,
    AnswerRun,
    MemoryImageOutput,
    MemoryResponder,
    MemorySpeechOutput,
    Step,
    run_or_raise,
)
from tests.support.service_harness import DEADLINE_S, REQUESTER, ServiceHarness, open_service_harness
from tests.support.turns import make_turn

DOCUMENT = Path(__file__).parents[1] / "docs" / "architecture.md"
NOTHING: dict[Kind, int] = {}
PROMPT = {Kind.MESSAGES: 1, Kind.TOKENS: PROMPT_TOKENS}
RECEIVED = {Kind.MESSAGES: 1, Kind.TOKENS: PROMPT_TOKENS + estimate_tokens(TEXT)}
THOUGHT = ReasoningDelta("Tides, tides…")
THOUGHT_OF = {Kind.MESSAGES: 1, Kind.TOKENS: PROMPT_TOKENS + estimate_tokens(THOUGHT.text)}
LONG = "All of it. " * 200
ALL_GRANTED = {Kind.MESSAGES: 1, Kind.TOKENS: PROMPT_TOKENS + BLOCK_TOKENS}


async def no_api(wanted: dict[str, Any], request: web.Request) -> NoReturn:
    raise AssertionError("the API is a script")


def regenerate(turn: Turn, model: str, persona: str) -> Question:
    return Question.regenerate(turn, model, persona, None, ())


async def shown(run: AnswerRun) -> None:
    await run.output.shown.wait()


async def sent(run: AnswerRun) -> None:
    run.send_status.may_be_billed = True


def cancelled(reason: CancelReason) -> Callable[[AnswerRun], Awaitable[None]]:
    async def cancel(run: AnswerRun) -> None:
        run.output.cancellation.cancel(reason)
        await asyncio.Event().wait()

    return cancel


async def shut_down(run: AnswerRun) -> None:
    run.task.cancel()
    await asyncio.Event().wait()


@dataclass(frozen=True)
class Case:
    """How a request ends: its script, and what is expected of it.

    `line` is below the text, and `error` is what a sentence is about; `cost` is settled; `finish` is what the turn is
    stored with, None where there is none; `continues` is whether there is a button to continue.
    """

    name: str
    script: tuple[Step, ...]
    outcome: Outcome
    cost: dict[Kind, int]
    line: Message | None = None
    error: type[BaseException] | None = None
    finish: str | None = None
    continues: bool = False
    shows_text: bool = True


TEXT_, END_ = TextDelta(TEXT), END


def ended(**changes: Any) -> StreamEnd:
    return StreamEnd(**({"usage": None, "finish_reason": "stop", "cut": False, "model": None} | changes))


def with_text(name: str, *script: Step, outcome: Outcome, line: Message | None, continues: bool = True) -> Case:
    """Return a case that has text: that costs what was received, and is stored."""
    return Case(name, (TEXT_, *script), outcome, RECEIVED, line, finish=outcome.label, continues=continues)


def without_text(
    name: str,
    *script: Step,
    outcome: Outcome,
    error: type[BaseException] = RequestCancelled,
    cost: dict[Kind, int] = NOTHING,
) -> Case:
    """Return a case in which a sentence shows and nothing is stored."""
    return Case(name, script, outcome, cost, error=error, shows_text=False)


STOPPED, OUT_OF_TIME, DELETED = CancelReason.STOPPED, CancelReason.OUT_OF_TIME, CancelReason.DELETED
REFUSAL = ContentRefused("no")
CASES = [
    with_text("complete", END_, outcome=Outcome.COMPLETE, line=None, continues=False),
    with_text("length", ended(finish_reason="length"), outcome=Outcome.LENGTH, line=texts.length_limit_reached()),
    with_text(
        "filtered",
        ended(finish_reason="content_filter"),
        outcome=Outcome.FILTERED,
        line=texts.filtered(),
        continues=False,
    ),
    with_text("refused midway", REFUSAL, outcome=Outcome.FILTERED, line=REFUSAL.message, continues=False),
    with_text("cut", ended(cut=True), outcome=Outcome.CUT, line=texts.cut()),
    with_text("failed", shown, ApiServerError(), outcome=Outcome.FAILED, line=ApiServerError.message),
    with_text("stopped", shown, cancelled(STOPPED), outcome=Outcome.STOPPED, line=texts.stopped()),
    with_text("out of time", shown, cancelled(OUT_OF_TIME), outcome=Outcome.OUT_OF_TIME, line=texts.out_of_time(14)),
    with_text("interrupted", shown, shut_down, outcome=Outcome.INTERRUPTED, line=texts.interrupted()),
    Case("deleted", (TEXT_, shown, cancelled(DELETED)), Outcome.DELETED, RECEIVED),
    Case("crashed", (TEXT_, shown, KeyError("a bug")), Outcome.CRASHED, RECEIVED, error=KeyError),
    without_text("failed before", ApiServerError(), outcome=Outcome.FAILED, error=ApiServerError),
    without_text(
        "failed in thought",
        THOUGHT,
        ApiServerError(),
        outcome=Outcome.FAILED,
        error=ApiServerError,
        cost=THOUGHT_OF,
    ),
    without_text("no word", sent, END_, outcome=Outcome.FAILED, error=InvalidApiResponse),
    without_text("refused before", sent, REFUSAL, outcome=Outcome.FILTERED, error=ContentRefused),
    without_text("stopped unsent", cancelled(STOPPED), outcome=Outcome.STOPPED),
    without_text("stopped before", sent, cancelled(STOPPED), outcome=Outcome.STOPPED, cost=PROMPT),
    without_text(
        "stopped in thought",
        THOUGHT,
        cancelled(STOPPED),
        outcome=Outcome.STOPPED,
        cost=THOUGHT_OF,
    ),
    without_text("deleted before", sent, cancelled(DELETED), outcome=Outcome.DELETED, cost=PROMPT),
    without_text("late before", sent, cancelled(OUT_OF_TIME), outcome=Outcome.OUT_OF_TIME),
    without_text("interrupted before", sent, shut_down, outcome=Outcome.INTERRUPTED, error=ShuttingDown),
    without_text("crashed before", sent, KeyError("a bug"), outcome=Outcome.CRASHED, error=KeyError),
]


async def end_of(run: AnswerRun) -> RequestEnd | None:
    """Run it to its end, and tell the member as the gate does where it was cancelled."""
    run.task = asyncio.create_task(run.run())
    await asyncio.wait_for(asyncio.wait({run.task}), DEADLINE_S)
    if not run.task.cancelled():
        return run.task.result()
    if not run.output.messages:
        await run.responder.show_error(ShuttingDown())
    return None


async def finishes(shop: ServiceHarness) -> list[object]:
    async def work(transaction: Transaction) -> list[tuple[object, ...]]:
        return await transaction.fetch_all("SELECT finish_reason FROM turns")

    return [finish for (finish,) in await shop.database.read(work)]


async def costs(shop: ServiceHarness) -> dict[Kind, int]:
    async def work(transaction: Transaction) -> list[tuple[Any, ...]]:
        assert await transaction.fetch_all("SELECT * FROM reservations") == []
        return await transaction.fetch_all("SELECT kind, MAX(settled) FROM usage_counters GROUP BY kind")

    return {Kind(kind): used for kind, used in await shop.database.read(work) if used}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_answer_shows_costs_and_keeps_what_its_row_says(tmp_path: Path, case: Case) -> None:
    async with open_service_harness(tmp_path, no_api, **LIMITS) as shop:
        run = AnswerRun(shop, case.script)
        end = await end_of(run)
        if end is not None:
            assert end.outcome is case.outcome
        assert [type(error) for error in run.responder.errors] == [*([case.error] if case.error else [])]
        await check(shop, run, case, TEXT)


async def check(shop: ServiceHarness, run: AnswerRun, case: Case, text: str) -> None:
    """Check what is shown, settled and stored."""
    below = [] if case.line is None else [render(case.line)]
    shown_text = "\n".join(run.output.messages)
    assert shown_text.startswith(text) is case.shows_text
    assert [line for line in below if line not in shown_text] == []
    assert bool(shown_text.removeprefix(text).strip()) is bool(below)
    assert await costs(shop) == case.cost
    assert await finishes(shop) == ([] if case.finish is None else [case.finish])
    actions = run.output.buttons[-1].actions if run.output.buttons else ()
    assert (Action.REGENERATE in actions) is (case.finish is not None)
    assert (Action.CONTINUE in actions) is case.continues
    assert run.output.broken == []


LIMITS = {"member_messages": 1000, "server_messages": 1000, "server_tokens": 100_000}
"""High enough to refuse nothing: without a limit nothing would be counted."""


async def test_a_limit_that_is_reached_midway_ends_the_answer(tmp_path: Path) -> None:
    granted = PROMPT_TOKENS + BLOCK_TOKENS
    async with open_service_harness(tmp_path, no_api, server_tokens=granted, member_messages=9) as shop:
        run = AnswerRun(shop, (TextDelta(LONG), END_))
        end = await end_of(run)
        assert end is not None
        assert end.outcome is Outcome.LIMITED
        assert isinstance(end.error, QuotaExceeded)
        case = Case("", (), Outcome.LIMITED, ALL_GRANTED, end.error.message, finish="limited", continues=True)
        await check(shop, run, case, LONG[: BLOCK_TOKENS * 4].strip())


async def test_a_store_that_fails_midway_ends_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> NoReturn:
        raise StoreUnavailable("out of reach")

    monkeypatch.setattr(UsageStore, "grow", fail)
    async with open_service_harness(tmp_path, no_api, **LIMITS) as shop:
        run = AnswerRun(shop, (TextDelta(LONG), END_))
        end = await end_of(run)
        assert end is not None
        assert end.outcome is Outcome.STORE_FAILED
        case = Case("", (), Outcome.STORE_FAILED, ALL_GRANTED, texts.store_failed(), finish="unstored", continues=True)
        await check(shop, run, case, LONG[: BLOCK_TOKENS * 4].strip())


async def test_a_store_that_fails_in_thought_does_not_say_that_nothing_was_used_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> NoReturn:
        raise StoreUnavailable("out of reach")

    monkeypatch.setattr(UsageStore, "grow", fail)
    async with open_service_harness(tmp_path, no_api, **LIMITS) as shop:
        run = AnswerRun(shop, (ReasoningDelta(LONG), END_))
        end = await end_of(run)
        assert end is not None
        assert end.outcome is Outcome.STORE_FAILED
        (error,) = run.responder.errors
        assert isinstance(error, StoreUnavailable)
        assert error.message == texts.store_failed()
        await check(shop, run, Case("", (), Outcome.STORE_FAILED, ALL_GRANTED, shows_text=False), TEXT)


async def test_a_request_that_is_refused_costs_and_keeps_nothing(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, no_api, member_messages=0, server_tokens=9) as shop:
        run = AnswerRun(shop, (TEXT_, END_))
        end = await end_of(run)
        assert end is not None
        assert end.outcome is Outcome.REFUSED
        assert [type(error) for error in run.responder.errors] == [QuotaExceeded]
        assert run.responder.calls == []
        await check(shop, run, without_text("", outcome=Outcome.REFUSED, error=QuotaExceeded), TEXT)


async def test_a_request_that_finds_no_slot_costs_and_keeps_nothing(tmp_path: Path) -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=0, channel=0)
    limiter.close()
    async with open_service_harness(tmp_path, no_api, **LIMITS) as shop:
        run = AnswerRun(shop, (TEXT_, END_), limiter=limiter)
        end = await end_of(run)
        assert end is not None
        assert end.outcome is Outcome.REFUSED
        assert [type(error) for error in run.responder.errors] == [ShuttingDown]
        await check(shop, run, without_text("", outcome=Outcome.REFUSED, error=QueueFull), TEXT)


async def test_a_request_is_acknowledged_before_it_waits_and_worked_on_after(tmp_path: Path) -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=1, channel=None)
    first = limiter.slot(REQUESTER)
    async with open_service_harness(tmp_path, no_api, **LIMITS) as shop:
        run = AnswerRun(shop, (TEXT_, END_), limiter=limiter)
        limiter.enter(first)
        running = asyncio.create_task(run.run())
        await asyncio.wait_for(run.responder.status_shown.wait(), DEADLINE_S)
        assert run.responder.calls == ["acknowledge"]
        limiter.leave(first)
        assert (await running).outcome is Outcome.COMPLETE
        assert run.responder.calls == ["acknowledge", "working", "worked"]


@pytest.mark.parametrize("again", [regenerate, Question.continue_])
async def test_a_turn_that_is_deleted_during_the_wait_is_neither_regenerated_nor_continued(
    tmp_path: Path, again: Callable[[Turn, str, str], Question]
) -> None:
    async def delete(transaction: Transaction) -> None:
        await transaction.execute("DELETE FROM turns")

    async with open_service_harness(tmp_path, no_api, **LIMITS) as shop:
        turn_id = await shop.conversations.save(make_turn(channel_id=REQUESTER.channel_id))
        assert turn_id is not None
        (turn,) = await shop.conversations.get_ancestors(turn_id, 1)
        use_case = AnswerRun(shop, (), question=again(turn, "gpt-4.1", "You are helpful.")).use_case
        async with await use_case.prepare():
            await use_case.recheck()
            await shop.database.write(delete)
            with pytest.raises(TurnNotFound):
                await use_case.recheck()


class FewerImages:
    """A `bot.api.images.ImagesApi` that gives one image, however many are asked for."""

    async def generate(self, model: str, prompt: str, *, size: str | None, n: int) -> list[GeneratedImage]:
        return [GeneratedImage(picture(16, 16), "image/png", 16, 16)]


class BrokenSpeech:
    """A `bot.api.speech.SpeechApi` that fails after the first piece of a text."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._pieces = 0

    async def stream(
        self, model: str, text: str, voice: str, send_status: SendStatus | None = None
    ) -> AsyncGenerator[bytes, None]:
        self._pieces += 1
        if self._pieces > 1:
            self._then()
        yield mp3(1.2)


async def test_images_that_are_partly_there_are_shown_stored_and_paid_for(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, no_api, member_images=9) as shop:
        images: Any = FewerImages()
        output = MemoryImageOutput()
        generator = ImageGenerator(images, shop.ledger, shop.workers.files, FakeClock(), shop.generations)
        use_case = generator.draw(REQUESTER, ImageRequest("a cat", "gpt-image-1", n=3), output, author_id=42)
        assert (await run_or_raise(use_case)).outcome is Outcome.PARTLY
        (result,) = output.shown
        assert result.notice is not None
        (generation_id,) = output.generation_ids
        assert generation_id is not None
        assert await generator.get(REQUESTER, generation_id) is not None
        assert await costs(shop) == {Kind.IMAGES: 1}


class ImageOutputThatActs(MemoryImageOutput):
    """Does something before it shows images."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act

    async def show(self, result: GenerationResult, generation_id: int | None) -> None:
        self._act()
        await asyncio.sleep(0)
        await super().show(result, generation_id)


def draw_one(shop: ServiceHarness, output: MemoryImageOutput) -> UseCase:
    images: Any = FewerImages()
    generator = ImageGenerator(images, shop.ledger, shop.workers.files, FakeClock(), shop.generations)
    return generator.draw(REQUESTER, ImageRequest("a cat", "gpt-image-1"), output, author_id=42)


def start(use_case: UseCase) -> tuple["asyncio.Task[RequestEnd]", MemoryResponder]:
    responder, clock = MemoryResponder(), FakeClock()
    runner = RequestRunner(ConcurrencyLimiter(clock, member=None, channel=None), clock)
    return asyncio.create_task(runner.run(use_case, responder)), responder


def logged_outcomes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["outcome"] for record in caplog.records if record.message == "request"]


async def count_generations(shop: ServiceHarness) -> int:
    async def work(transaction: Transaction) -> int:
        ((rows,),) = await transaction.fetch_all("SELECT COUNT(*) FROM image_generations")
        return int(rows)

    return await shop.database.read(work)


@pytest.mark.parametrize("failure", [OSError("gone"), InvalidApiResponse("a `BotError`")])
async def test_a_result_that_cannot_be_shown_keeps_its_outcome_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    def fail() -> NoReturn:
        raise failure

    async with open_service_harness(tmp_path, no_api, member_images=9) as shop:
        with caplog.at_level(logging.INFO):
            running, responder = start(draw_one(shop, ImageOutputThatActs(fail)))
            end = await asyncio.wait_for(running, DEADLINE_S)
        assert (end.outcome, end.error, end.failure) == (Outcome.COMPLETE, None, failure)
        assert responder.errors == [failure]
        assert logged_outcomes(caplog) == ["complete"]
        (lost,) = [record for record in caplog.records if record.message == "result not shown"]
        assert vars(lost)["error"] == type(failure).__name__
        assert await costs(shop) == {Kind.IMAGES: 1}
        assert await count_generations(shop) == 1


async def test_a_shutdown_that_comes_too_late_leaves_the_outcome_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_service_harness(tmp_path, no_api, member_images=9) as shop:
        output = ImageOutputThatActs(lambda: running.cancel())
        with caplog.at_level(logging.INFO):
            running, responder = start(draw_one(shop, output))
            await asyncio.wait_for(asyncio.wait({running}), DEADLINE_S)
        assert running.cancelled()
        assert len(output.shown) == 1
        assert logged_outcomes(caplog) == ["complete"]
        assert responder.errors == []


async def test_nothing_is_received_before_the_work(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, no_api) as shop:
        speech: Any = BrokenSpeech(lambda: None)
        text_to_speech = TextToSpeech(speech, shop.ledger, shop.pronunciations, shop.workers.audio, FakeClock())
        said = text_to_speech.say(REQUESTER, TextToSay("Hello", "alloy", "tts-1"), MemorySpeechOutput())
        drawn = draw_one(shop, MemoryImageOutput())
        assert [said.received, drawn.received] == [{}, {}]


async def say_two_pieces(shop: ServiceHarness, output: MemorySpeechOutput, then: Callable[[], None]) -> RequestEnd:
    speech: Any = BrokenSpeech(then)
    text_to_speech = TextToSpeech(speech, shop.ledger, shop.pronunciations, shop.workers.audio, FakeClock())
    return await run_or_raise(text_to_speech.say(REQUESTER, TextToSay("\n".join(PIECES), "alloy", "tts-1"), output))


PIECES = split_text("".join(f"This is sentence number {number} of a long text. " for number in range(120)))


async def test_speech_that_breaks_off_is_sent_as_far_as_it_came(tmp_path: Path) -> None:
    def fail() -> None:
        raise ApiServerError

    assert len(PIECES) == 2
    async with open_service_harness(tmp_path, no_api, member_speech_characters=99_999) as shop:
        output = MemorySpeechOutput()
        assert (await say_two_pieces(shop, output, fail)).outcome is Outcome.CUT
        (speech,) = output.shown
        assert speech.note is not None
        assert await costs(shop) == {Kind.SPEECH_CHARACTERS: len(PIECES[0])}


class SpeechWithGap:
    """A `bot.api.speech.SpeechApi` whose second piece fails while the third one comes."""

    def __init__(self) -> None:
        self.pieces = 0
        self._third_comes = asyncio.Event()

    async def stream(
        self, model: str, text: str, voice: str, send_status: SendStatus | None = None
    ) -> AsyncGenerator[bytes, None]:
        self.pieces += 1
        piece = self.pieces
        if piece == 2:
            await self._third_comes.wait()
            raise ApiServerError
        yield mp3(1.2)
        if piece == 3:
            self._third_comes.set()
            await asyncio.Event().wait()


async def test_speech_after_a_gap_is_not_sent_and_costs_nothing(tmp_path: Path) -> None:
    text = "\n".join([*PIECES, PIECES[0]])
    async with open_service_harness(tmp_path, no_api, member_speech_characters=99_999) as shop:
        speech, output = SpeechWithGap(), MemorySpeechOutput()
        api: Any = speech
        text_to_speech = TextToSpeech(api, shop.ledger, shop.pronunciations, shop.workers.audio, FakeClock())
        use_case = text_to_speech.say(REQUESTER, TextToSay(text, "alloy", "tts-1"), output)
        assert (await run_or_raise(use_case)).outcome is Outcome.CUT
        assert speech.pieces == 3
        assert await costs(shop) == {Kind.SPEECH_CHARACTERS: len(use_case.chunks[0])}


async def test_speech_that_is_skipped_before_any_of_it_costs_nothing(tmp_path: Path) -> None:
    utterance = Utterance(Label(REQUESTER.user_id, REQUESTER.name, "Hello"))
    utterance.drop()

    async with open_service_harness(tmp_path, no_api, member_speech_characters=99_999) as shop:
        output = MemorySpeechOutput(utterance=utterance)
        assert (await say_two_pieces(shop, output, lambda: None)).outcome is Outcome.STOPPED
        assert output.shown == [Speech(b"", 0, speech_texts.stopped_before_speech())]
        assert await costs(shop) == NOTHING


def test_every_outcome_of_an_answer_has_a_case() -> None:
    elsewhere = {Outcome.PARTLY, Outcome.LIMITED, Outcome.STORE_FAILED, Outcome.REFUSED}
    assert {case.outcome for case in CASES} | elsewhere == set(Outcome)


@pytest.mark.parametrize("outcome", [each for each in Outcome if each.shows is Shows.RESULT_AND_LINE])
def test_every_line_of_an_answer_has_words(outcome: Outcome) -> None:
    if outcome is not Outcome.PARTLY:  # of images
        error = WITH_OWN_LINE.get(outcome)
        line = get_line(RequestEnd(outcome, error, has_result=True))
        assert line is not None
        assert error is None or line == error.message


WITH_OWN_LINE = {
    Outcome.FAILED: BotError(),
    Outcome.LIMITED: QuotaExceeded(texts.filtered(), resets_at=NOON),
    Outcome.STORE_FAILED: StoreUnavailable(),
}


def test_the_document_has_the_table() -> None:
    rows = [f"| `{each.label}` | {each.shows.value} | {each.costs.value} | {each.keeps.value} |" for each in Outcome]
    document = DOCUMENT.read_text("utf-8")
    assert [row for row in rows if row not in document] == []
