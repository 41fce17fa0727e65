"""A request that is cancelled at each of its awaits: nothing is left of it, and the member is told once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest
from aiohttp import web

from bot.api.chat_events import ReasoningDelta, TextDelta
from bot.api.image_validation import GeneratedImage
from bot.api.transport import SendStatus
from bot.clock import SystemClock
from bot.concurrency_limit import ConcurrencyLimiter
from bot.conversation.answering import AnswerVoice
from bot.discord_ui.event_gate import EventGate
from bot.errors import ShuttingDown
from bot.images.generation import ImageGenerator, ImageRequest
from bot.inflight.cancellation import CancellationToken, CancelReason, InFlightRequest
from bot.inflight.registry import InFlightRegistry
from bot.liveness import holding
from bot.messages.message import Message
from bot.process_lease import ProcessLease
from bot.request_runner import RequestRunner, UseCase
from bot.speech.answer_speech import AnswerSpeaker
from bot.speech.pronunciations import Pronunciation
from bot.speech.text_to_speech import TextToSay, TextToSpeech
from bot.speech.utterance import Label, Utterance
from bot.store.database import Transaction
from tests.support.make_picture import picture
from tests.support.make_sound import mp3
from tests.support.request_runs import (
    END,
    TEXT,
    AnswerRun,
    MemoryImageOutput,
    MemoryResponder,
    MemorySpeechOutput,
)
from tests.support.service_harness import DEADLINE_S, REQUESTER, ServiceHarness, open_service_harness
from tests.support.suspensions import Suspensions

PNG = picture(16, 16)
SOUND = mp3(1.2)
LIMITS = {"member_messages": 10_000, "member_images": 10_000, "member_speech_characters": 10_000_000}
FEWEST_AWAITS = 20


async def no_api(wanted: dict[str, Any], request: web.Request) -> NoReturn:
    raise AssertionError("the API is a script")


class ScriptedImages:
    """A `bot.api.images.ImagesApi`."""

    async def generate(self, model: str, prompt: str, *, size: str | None, n: int) -> list[GeneratedImage]:
        await asyncio.sleep(0)
        return [GeneratedImage(PNG, "image/png", 16, 16)] * n


class ScriptedSpeech:
    """A `bot.api.speech.SpeechApi`."""

    async def stream(
        self, model: str, text: str, voice: str, send_status: SendStatus | None = None
    ) -> AsyncGenerator[bytes, None]:
        for data in (SOUND[:1000], SOUND[1000:]):
            await asyncio.sleep(0)
            yield data


class FreeingResponder(MemoryResponder):
    """Ends the request that holds the only slot once the member has been told to wait."""

    def __init__(self, free: Callable[[], None]) -> None:
        super().__init__()
        self._free = free

    async def show_status(self, status: Message) -> None:
        await super().show_status(status)
        self._free()


class Request(Protocol):
    """A use case of a test, where its result is stored, and whether that was shown."""

    use_case: UseCase
    table: str | None

    def is_result_shown(self) -> bool: ...


class AnswerRequest:
    table: str | None = "turns"

    def __init__(self, shop: ServiceHarness, cancellation: CancellationToken, voice: AnswerVoice | None = None) -> None:
        run = AnswerRun(shop, (ReasoningDelta("Hm."), TextDelta(TEXT[:9]), TextDelta(TEXT[9:]), END), voice=voice)
        run.output.cancellation = cancellation
        self.use_case: UseCase = run.use_case
        self._output = run.output

    def is_result_shown(self) -> bool:
        assert self._output.broken == []
        return bool(self._output.messages)


class SpokenAnswerRequest(AnswerRequest):
    """An answer that is said aloud meanwhile, sentence by sentence, each with a reservation of its own."""

    def __init__(self, shop: ServiceHarness, cancellation: CancellationToken) -> None:
        speech: Any = ScriptedSpeech()
        utterance = Utterance(Label(REQUESTER.user_id, REQUESTER.name, "The tides"))
        utterance.due.set()

        async def start_utterance() -> Utterance:
            await asyncio.sleep(0)
            return utterance

        speaker = AnswerSpeaker(
            speech,
            shop.ledger,
            REQUESTER,
            start_utterance,
            voice="alloy",
            model="tts-1",
            pronunciation=Pronunciation({}),
            workers=shop.workers.audio,
        )
        super().__init__(shop, cancellation, speaker)


class DrawRequest:
    table: str | None = "image_generations"

    def __init__(self, shop: ServiceHarness, cancellation: CancellationToken) -> None:
        images: Any = ScriptedImages()
        tools = ImageGenerator(images, shop.ledger, shop.workers.files, SystemClock(), shop.generations)
        self._output = MemoryImageOutput()
        cats = ImageRequest("a cat", "dall-e-3", n=2)
        self.use_case: UseCase = tools.draw(REQUESTER, cats, self._output, author_id=42)

    def is_result_shown(self) -> bool:
        return bool(self._output.shown)


class SayRequest:
    table: str | None = None

    def __init__(self, shop: ServiceHarness, cancellation: CancellationToken) -> None:
        speech: Any = ScriptedSpeech()
        tools = TextToSpeech(speech, shop.ledger, shop.pronunciations, shop.workers.audio, SystemClock())
        self._output = MemorySpeechOutput()
        self.use_case: UseCase = tools.say(REQUESTER, TextToSay("Hello there!", "alloy", "tts-1"), self._output)

    def is_result_shown(self) -> bool:
        return bool(self._output.shown)


class MemoryEvent:
    """An event of the gate, whose author is told where there is nothing to see yet."""

    def __init__(self, event_id: int) -> None:
        self.id = event_id
        self.inflight: InFlightRequest
        self.request: Request | None = None
        self.responder: MemoryResponder

    def set_inflight_request(self, inflight: InFlightRequest) -> None:
        self.inflight = inflight

    async def tell(self, error: Exception) -> bool:
        await self.responder.show_error(error)
        return True

    async def tell_unless_answered(self, error: Exception) -> bool:
        return bool(self.times_told) or await self.tell(error)

    @property
    def times_told(self) -> int:
        assert self.request is not None
        return len(self.responder.errors) + self.request.is_result_shown()


class Bench:
    """The real database, ledger, limiter, registry and gate, on which requests run one after another."""

    def __init__(self, shop: ServiceHarness, registry: InFlightRegistry, make: Callable[..., Request]) -> None:
        self.limiter = ConcurrencyLimiter(SystemClock(), member=1, channel=None)
        self._shop = shop
        self._gate = EventGate(registry, SystemClock(), asyncio.Event())
        self._runner = RequestRunner(self.limiter, SystemClock())
        self._make = make
        self._results = 0

    async def run(self, number: int, act: Callable[[asyncio.Task[None], MemoryEvent], None]) -> bool:
        """Run a request and do `act` at its await `number`; return whether it has so many. Check what is left."""
        others, event = asyncio.all_tasks(), MemoryEvent(1000 + number)
        first = self.limiter.slot(REQUESTER)
        self.limiter.enter(first)
        event.responder = FreeingResponder(lambda: self.limiter.leave(first))
        suspensions = Suspensions(number, lambda: act(task, event))
        task = asyncio.create_task(self._admit_and_run(event, suspensions))
        await asyncio.wait({task}, timeout=DEADLINE_S)
        if task.cancelled():
            await event.tell_unless_answered(ShuttingDown())  # as the gate does
        else:
            task.result()
        self.limiter.leave(first)
        asyncio.get_running_loop().set_task_factory(None)
        while left := asyncio.all_tasks() - others:
            _, running = await asyncio.wait(left, timeout=DEADLINE_S)
            assert running == set(), f"left running after await {number}"
        assert event.times_told == 1, f"told {event.times_told} times after await {number}"
        assert (self.limiter.running, self.limiter.waiting) == (0, 0)
        assert await self._count("reservations") == 0
        assert await self._count("inflight_answers") == 0
        assert event.request is not None
        self._results += event.request.is_result_shown()
        if event.request.table is not None:
            assert await self._count(event.request.table) == self._results, f"not stored after await {number}"
        return suspensions.count > number

    async def _admit_and_run(self, event: MemoryEvent, suspensions: Suspensions) -> None:
        admitted = await self._gate.admit_message(event, application_id=1, channel_id=10, member_id=42)
        assert admitted
        request = event.request = self._make(self._shop, event.inflight.cancellation)
        asyncio.get_running_loop().set_task_factory(suspensions.create_task)
        await asyncio.create_task(self._runner.run(request.use_case, event.responder))

    async def _count(self, table: str) -> int:
        async def work(transaction: Transaction) -> list[tuple[Any, ...]]:
            return await transaction.fetch_all(f"SELECT COUNT(*) FROM {table}")  # a test's own words

        ((rows,),) = await self._shop.database.read(work)
        return int(rows)


async def cancel_at_each_await(
    folder: Path, make: Callable[..., Request], act: Callable[[asyncio.Task[None], MemoryEvent], None]
) -> None:
    """Do `act` at one await after another, until a request has no more."""
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(open_service_harness(folder, no_api, **LIMITS))
        lock = stack.enter_context(holding(folder / "bot.db", "test"))
        clock = SystemClock()
        lease = ProcessLease(shop.database, clock, lock)
        registry = InFlightRegistry(shop.database, clock, lease=lease, free_reservations=shop.ledger.free_dead)
        await stack.enter_async_context(registry.running())
        bench = Bench(shop, registry, make)
        await bench.run(-1, lambda *_: None)  # what starts once is no part of a request
        for number in count():
            if not await bench.run(number, act):
                assert number >= FEWEST_AWAITS
                return


def shut_down(task: asyncio.Task[None], event: MemoryEvent) -> None:
    task.cancel()


def stop(task: asyncio.Task[None], event: MemoryEvent) -> None:
    event.inflight.cancellation.cancel(CancelReason.STOPPED)


@pytest.mark.parametrize("make", [AnswerRequest, SpokenAnswerRequest, DrawRequest, SayRequest])
async def test_a_shutdown_at_any_await_leaves_nothing_and_is_told_once(
    tmp_path: Path, make: Callable[..., Request]
) -> None:
    await cancel_at_each_await(tmp_path, make, shut_down)


@pytest.mark.parametrize("make", [AnswerRequest, SpokenAnswerRequest])
async def test_a_stop_at_any_await_leaves_nothing_and_is_told_once(
    tmp_path: Path, make: Callable[..., Request]
) -> None:
    await cancel_at_each_await(tmp_path, make, stop)
