"""Requests that run without Discord: where they are answered is kept in memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from bot.api.chat_events import ChatEvent, ReasoningDelta, StreamEnd, TextDelta
from bot.api.payloads import ChatMessage
from bot.api.transport import SendStatus
from bot.clock import SystemClock
from bot.concurrency_limit import ConcurrencyLimiter
from bot.conversation.answering import Answering, AnswerVoice
from bot.conversation.prompt import NO_INPUTS
from bot.conversation.question import ContextWindow, Prompt, Question, SelectedHistory
from bot.images.generation import GenerationResult
from bot.inflight.cancellation import CancellationToken
from bot.messages.message import Message
from bot.request_runner import RequestEnd, RequestRunner, UseCase
from bot.speech.text_to_speech import Speech
from bot.speech.utterance import Label, Utterance
from bot.streaming.output import AnswerButtons
from tests.support.clock import NOON, FakeClock
from tests.support.memory_output import MemoryOutput
from tests.support.service_harness import DEADLINE_S, REQUESTER, ServiceHarness


class MemoryResponder:
    """A `bot.request_runner.Responder`: every call takes a turn of the loop, and is kept once it is carried out."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.statuses: list[Message] = []
        self.status_shown = asyncio.Event()
        self.errors: list[BaseException] = []

    async def acknowledge(self) -> None:
        await asyncio.sleep(0)
        self.calls.append("acknowledge")

    async def show_status(self, status: Message) -> None:
        await asyncio.sleep(0)
        self.statuses.append(status)
        self.status_shown.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        self.calls.append("working")
        try:
            yield
        finally:
            self.calls.append("worked")

    async def show_error(self, error: BaseException) -> None:
        await asyncio.sleep(0)
        self.errors.append(error)


async def run_or_raise(use_case: UseCase) -> RequestEnd:
    """Run a request to its end; raise the error that was shown."""
    clock, responder = SystemClock(), MemoryResponder()
    runner = RequestRunner(ConcurrencyLimiter(clock, member=None, channel=None), clock)
    end = await asyncio.wait_for(runner.run(use_case, responder), DEADLINE_S)
    for error in responder.errors:
        raise error
    return end


MIB_10 = 10 * 1024 * 1024
TEXT = "The tide turns twice a day."
END = StreamEnd(usage=None, finish_reason="stop", cut=False, model=None)

Step = ChatEvent | Exception | Callable[["AnswerRun"], Awaitable[object]]


class ScriptedChat:
    """A `bot.api.chat.ChatApi` whose answer is a script: events, an error, or what is awaited before it goes on."""

    def __init__(self, *script: Step) -> None:
        self.run: AnswerRun
        self._script = script

    async def stream(
        self, model: str, messages: Sequence[ChatMessage], send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        self.run.send_status = send_status
        for step in self._script:
            await asyncio.sleep(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, TextDelta | ReasoningDelta | StreamEnd):
                send_status.may_be_billed = True
                yield step
            else:
                await step(self.run)


class MemoryAnswerOutput(MemoryOutput):
    """A `CancellableOutput`; `shown` is set when the first message is there."""

    def __init__(self, cancellation: CancellationToken, request_id: int = 9) -> None:
        super().__init__(FakeClock(skip_sleeps=True))
        self.id = request_id
        self.cancellation = cancellation
        self.shown = asyncio.Event()

    @property
    def message_ids(self) -> tuple[int, ...]:
        return tuple(501 + index for index in range(len(self.messages)))

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        await super().show(index, text, buttons)
        self.shown.set()


class AnswerRun:
    """One question that is answered by a script, and all that comes of it."""

    def __init__(
        self,
        shop: ServiceHarness,
        script: Sequence[Step],
        *,
        cancellation: CancellationToken | None = None,
        limiter: ConcurrencyLimiter | None = None,
        voice: AnswerVoice | None = None,
        question: Question | None = None,
    ) -> None:
        self.task: asyncio.Task[RequestEnd]
        self.send_status = SendStatus()
        self.responder = MemoryResponder()
        self.output = MemoryAnswerOutput(cancellation or CancellationToken())
        chat, clock = ScriptedChat(*script), SystemClock()
        chat.run = self
        self._answering = Answering(
            chat,  # type: ignore[arg-type]
            shop.conversations,
            shop.ledger,
            shop.workers,
            clock,
            ContextWindow(10, 1000),
        )
        self.use_case = self._answering.answer(REQUESTER, question or QUESTION, self.output, voice)
        self._runner = RequestRunner(limiter or ConcurrencyLimiter(clock, member=None, channel=None), clock)

    async def run(self) -> RequestEnd:
        return await self._runner.run(self.use_case, self.responder)


QUESTION = Question("What is a tide?", "gpt-4.1", "You are helpful.")
PROMPT_TOKENS = Prompt.build(REQUESTER, QUESTION, NOON, SelectedHistory(), NO_INPUTS).tokens


class MemoryImageOutput:
    """An `ImageOutput` that keeps what was shown."""

    message_id = 501

    def __init__(self, upload_limit: int = MIB_10) -> None:
        self.upload_limit = upload_limit
        self.shown: list[GenerationResult] = []
        self.generation_ids: list[int | None] = []

    async def show(self, result: GenerationResult, generation_id: int | None) -> None:
        self.shown.append(result)
        self.generation_ids.append(generation_id)


class MemorySpeechOutput:
    """A `SpeechOutput` that keeps what was shown; heard as `utterance`, or by nobody."""

    def __init__(self, upload_limit: int = MIB_10, utterance: Utterance | None = None) -> None:
        self.upload_limit = upload_limit
        self._utterance = utterance
        self.shown: list[Speech] = []

    async def enqueue(self, label: Label) -> Utterance | None:
        return self._utterance

    async def show(self, speech: Speech, refusal: Message | None) -> None:
        assert refusal is None
        self.shown.append(speech)
