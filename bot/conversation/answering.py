"""The use case behind `/ask`: a question gets an answer that is shown while it streams, and is stored as a turn."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bot.api.chat import ChatApi
from bot.api.chat_events import StreamEnd
from bot.api.transport import SendStatus
from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.conversation import attachments
from bot.conversation.question import ContextWindow, HistorySelector, Prompt, Question
from bot.conversation.stream_meter import StreamMeter
from bot.errors import (
    ApiError,
    BadRequest,
    BotError,
    ContextTooLong,
    ImagesRejected,
    InvalidApiResponse,
    InvalidOption,
    StoreUnavailable,
    TurnNotFound,
)
from bot.inflight.cancellation import MAX_DURATION_S, CancellationToken, CancelReason
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.quotas.ledger import Ledger, Reservation
from bot.quotas.token_budget import BLOCK_TOKENS
from bot.request_runner import Amounts, Keeps, Outcome, RequestCancelled, RequestEnd, RequestLog, Shows, UseCase
from bot.store.conversations import Conversations
from bot.store.quota_limits import Kind
from bot.store.turns import NewTurn
from bot.streaming.message_streamer import MessageStreamer
from bot.streaming.output import NO_BUTTONS, Action, AnswerButtons, AnswerObserver, AnswerOutput
from bot.workers.pool import DecodingWorkers

logger = logging.getLogger(__name__)

_MAX_MINUTES: Final = MAX_DURATION_S // 60

_LINES: Final = {
    Outcome.LENGTH: texts.length_limit_reached(),
    Outcome.FILTERED: texts.filtered(),
    Outcome.CUT: texts.cut(),
    Outcome.STOPPED: texts.stopped(),
    Outcome.OUT_OF_TIME: texts.out_of_time(_MAX_MINUTES),
    Outcome.INTERRUPTED: texts.interrupted(),
}
"""The line below an answer where no error brings one: those of the API, of limits and of the store do (`get_line`)."""

# Of a deleted answer hardly anyone reads it: the message that would show it is gone.
_CANCELLED_BEFORE_TEXT: Final = {
    CancelReason.STOPPED: texts.stopped_before_text(),
    CancelReason.OUT_OF_TIME: texts.out_of_time_before_text(_MAX_MINUTES),
    CancelReason.DELETED: texts.deleted_before_text(),
}


class CancellableOutput(AnswerOutput, Protocol):
    """The output of one answer: its messages and the token that cancels it. The wall between answering and Discord."""

    @property
    def id(self) -> int:
        """The id of the in-flight request: that of the interaction or message that asks."""
        ...

    @property
    def cancellation(self) -> CancellationToken:
        """Cancels the answer."""
        ...

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        ...


class AnswerVoice(AnswerObserver, AbstractAsyncContextManager["AnswerVoice"], Protocol):
    """Says an answer aloud for as long as its block runs. The wall between answers and speech."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers are made with."""

    chat: ChatApi
    conversations: Conversations
    ledger: Ledger
    workers: DecodingWorkers
    clock: Clock
    window: ContextWindow

    def answer(
        self,
        requester: RequestContext,
        question: Question,
        output: CancellableOutput,
        voice: AnswerVoice | None = None,
    ) -> "AnswerUseCase":
        """Return the request to answer `question` in `output`; `voice` says the answer meanwhile."""
        return AnswerUseCase(self, requester, question, output, voice)


class AnswerUseCase(UseCase):
    """Answers one question with the history of its conversation."""

    command = "ask"

    def __init__(
        self,
        tools: Answering,
        requester: RequestContext,
        question: Question,
        output: CancellableOutput,
        voice: AnswerVoice | None,
    ) -> None:
        super().__init__(requester)
        self._tools = tools
        self._question = question
        self._output = output
        self._voice = voice
        # Shown from the first text or reasoning on; before that there is nothing to press.
        stop = AnswerButtons((Action.STOP,), output.id)
        self._streamer = MessageStreamer(output, tools.clock, voice, buttons=stop)
        self._send_status = SendStatus()
        # Set by `prepare`:
        self._prompt: Prompt
        self._parent_ids: tuple[int, ...]
        self._reservation: Reservation
        self._meter: StreamMeter

    async def prepare(self) -> Reservation:
        """Build the prompt and reserve its cost.

        Raises:
            InvalidOption: there is no question in the text.
            TurnNotFound: the turn that it regenerates or continues is not stored any more.
            UnreadableFile: an attachment cannot be used, as far as that is known before it is downloaded.
            QuotaExceeded: a limit would be passed.
            StoreUnavailable: the store cannot be used just now.
        """
        question, tools = self._question, self._tools
        if question.is_empty:
            raise InvalidOption("empty question", message=texts.empty_prompt())
        attachments.ensure_usable(question.attachments)
        selector = HistorySelector(tools.conversations, tools.window)
        earlier, self._parent_ids = await selector.select_history(self.requester, question)
        history = tools.window.select(earlier, question.required_turns)
        quoted = question.quoted if not self._parent_ids else None
        inputs = attachments.describe(question.attachments, question.about or quoted)
        self._prompt = Prompt.build(self.requester, question, tools.clock.now(), history, inputs)
        self._reservation = await tools.ledger.reserve(
            self.requester, {Kind.MESSAGES: 1, Kind.TOKENS: self._prompt.tokens + BLOCK_TOKENS}
        )
        budget = tools.ledger.token_budget(self._reservation, Kind.TOKENS)
        self._meter = StreamMeter(self._prompt.tokens, budget)
        return self._reservation

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Run the voice, and what writes the answer's messages."""
        async with self._voice or nullcontext(), self._streamer:
            yield

    async def recheck(self) -> None:
        """Leave out, without a word, turns that were deleted meanwhile; a reply goes on without its own too.

        Raises:
            TurnNotFound: the turn that the question regenerates or continues was deleted.
            StoreUnavailable: the store cannot be used just now.
        """
        history, source = self._prompt.history, self._question.source_turn
        sources = () if source is None else (source,)
        existing = {turn.id for turn in await self._tools.conversations.list_existing((*history.turns, *sources))}
        if source is not None and source.id not in existing:
            raise TurnNotFound(f"turn {source.id}")
        turns = tuple(turn for turn in history.turns if turn.id in existing)
        if turns != history.turns:
            self._set_prompt(self._prompt.with_history(replace(history, turns=turns)))

    async def work(self, request_log: RequestLog) -> Outcome:
        """Read the attachments and stream the answer, until it is cancelled.

        Raises:
            UnreadableFile: an attachment is not what it seemed to be, or cannot be downloaded.
            ApiError: the API failed, or gave no text.
            RequestCancelled: the output's token was cancelled.
            QuotaExceeded, StoreUnavailable: no more tokens were granted.
        """
        request_log.record(trigger=self._question.trigger, model=self._question.model, private=self._question.private)
        request_log.record(earlier_turns=len(self._prompt.history.turns), reply=bool(self._parent_ids))
        request_log.record(files=len(self._question.attachments))
        try:
            reason = await self._output.cancellation.run(self._answer(request_log))
        finally:
            meter = self._meter
            request_log.record(prompt_tokens=meter.prompt_tokens, answer_tokens=meter.answer_tokens)
            request_log.record(estimated=meter.is_estimated)
        return self._get_outcome(reason)

    def _get_outcome(self, reason: CancelReason | None) -> Outcome:
        """Return how the stream ended, or raise what ended it; `reason` is why it was cancelled."""
        if reason is not None:
            logger.info("answer cancelled", extra={"reason": reason.name})
            if reason.is_by_user and self._voice is not None:
                self._voice.on_cancelled()
            raise RequestCancelled(reason, _CANCELLED_BEFORE_TEXT[reason])
        if self._meter.refusal is not None:
            logger.info("answer stopped at a limit", extra={"detail": str(self._meter.refusal)})
            raise _get_refusal(self._meter.refusal)
        if not self._streamer.has_text:
            raise InvalidApiResponse("an answer without a word")
        return get_stream_outcome(self._meter.stream_end)

    @property
    def received(self) -> Amounts:
        """A message and all tokens, once there is any output, hidden reasoning included."""
        return self._count_cost() if self._meter.has_output else {}

    @property
    def sent(self) -> Amounts:
        """A message and the estimate of the prompt, if the request may have been carried out.

        Counts for deletions mostly: Stop shows only once something was received.
        """
        return self._count_cost() if self._send_status.may_be_billed else {}

    @property
    def has_result(self) -> bool:
        """Whether there is text of the answer."""
        return self._streamer.has_text

    async def conclude(self, end: RequestEnd) -> None:
        """Store the turn, then show the end."""
        if isinstance(end.error, ApiError) and end.has_result:
            facts = {"error": type(end.error).__name__, "detail": str(end.error)}
            logger.warning("answer failed after its first text", extra=facts)
        if end.outcome is Outcome.COMPLETE and self._voice is not None:
            self._voice.on_complete()
        turn_id = None if end.keeps is Keeps.NOTHING else await self._save_turn(end.outcome)
        await self._show_end(end, get_buttons(turn_id, end.keeps))
        if turn_id is not None:
            await self._save_message_ids(turn_id)

    async def _answer(self, request_log: RequestLog) -> None:
        """Read the attachments and stream the answer; again with less context where a model takes no more."""
        if self._question.attachments:
            about, user_id = self._prompt.inputs.about, self.requester.user_id
            inputs = await attachments.load(self._question.attachments, about, self._tools.workers, user_id)
            self._set_prompt(self._prompt.with_inputs(inputs))
        try:
            await self._stream(request_log)
        except ContextTooLong:
            shorter = None if self._meter.has_output else self._prompt.shorten()
            if shorter is None:
                raise
            before, after = len(self._prompt.history.turns), len(shorter.history.turns)
            logger.info("prompt shortened", extra={"turns": before, "remaining": after})
            request_log.record(earlier_turns=after)
            self._set_prompt(shorter)
            await self._stream(request_log)

    async def _stream(self, request_log: RequestLog) -> None:
        """Feed the answer to the streamer as it comes."""
        self._send_status = SendStatus()
        stream = self._tools.chat.stream(self._question.model, self._prompt.messages, self._send_status)
        try:
            async with (
                aclosing(stream) as events,
                aclosing(self._meter.count(events, self._streamer.on_reasoning)) as deltas,
            ):
                async for text in deltas:
                    request_log.mark_first_output()
                    if not self._streamer.has_text and text.strip():
                        await self._tools.ledger.record_due(self._reservation, self._count_cost())
                    self._streamer.feed(text)
        except BadRequest as error:
            if type(error) is BadRequest and self._prompt.inputs.images and not self._streamer.has_text:
                # The likely reason why a request with images was not accepted: the API doesn't say.
                raise ImagesRejected(str(error), status=error.status) from error
            raise

    def _set_prompt(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._meter.set_prompt_estimate(prompt.tokens)

    def _count_cost(self) -> Amounts:
        return {Kind.MESSAGES: 1, Kind.TOKENS: self._meter.prompt_tokens + self._meter.answer_tokens}

    async def _show_end(self, end: RequestEnd, buttons: AnswerButtons) -> None:
        """Show all there is of the answer, with what belongs below it; or no more where it was deleted."""
        if end.shows is Shows.NOTHING:
            await self._streamer.discard()
            return
        notes: list[Message | None] = []
        if end.shows is not Shows.SENTENCE:
            notes = [get_line(end), self._prompt.history.omission]
        try:
            await self._streamer.finish([note for note in notes if note is not None], buttons)
        except Exception as error:
            # Discord didn't take the final text in several attempts. What it shows is part of the answer, which is
            # better than an error message in its place. The error may quote the answer, so only its type is logged.
            logger.error("answer not shown completely", extra={"error": type(error).__name__})

    async def _save_turn(self, outcome: Outcome) -> int | None:
        """Store the turn and return its id; None if it was deleted meanwhile or the store failed."""
        requester, question, source = self.requester, self._question, self._question.source_turn
        turn = NewTurn(
            channel_id=requester.channel_id,
            parent_channel_id=requester.parent_channel_id,
            guild_id=requester.guild_id,
            author_id=requester.user_id if source is None else source.author_id,
            author_name=requester.name if source is None else source.author_name,
            private=question.private,
            fresh=question.fresh,
            path=self._parent_ids,
            replaces_id=None if question.regenerates is None else question.regenerates.id,
            question=question.text,
            files=self._prompt.inputs.files,
            about_message_id=None if self._prompt.inputs.about is None else self._prompt.inputs.about.message_id,
            answer=self._meter.text,
            finish_reason=outcome.label,
            model=question.model,
            prompt_tokens=self._meter.prompt_tokens,
            answer_tokens=self._meter.answer_tokens,
            tokens_estimated=self._meter.is_estimated,
            question_message_id=question.message_id,
            answer_message_ids=self._output.message_ids,
            asked_at_ms=requester.asked_at_ms,
            created_at_ms=unix_ms(self._tools.clock.discord_now()),
        )
        try:
            return await self._tools.conversations.save(turn)
        except StoreUnavailable as error:
            logger.error("turn not saved", extra={"detail": str(error)})
            return None

    async def _save_message_ids(self, turn_id: int) -> None:
        """Store the ids of messages that the end of the answer added."""
        try:
            await self._tools.conversations.record_messages(turn_id, self._output.message_ids)
        except StoreUnavailable as error:
            logger.error("message ids of a turn not saved", extra={"turn": turn_id, "detail": str(error)})


def get_stream_outcome(end: StreamEnd | None) -> Outcome:
    """Return the outcome of a stream that raised no error."""
    if end is None or end.cut:
        return Outcome.CUT
    return {"length": Outcome.LENGTH, "content_filter": Outcome.FILTERED}.get(end.finish_reason or "", Outcome.COMPLETE)


def _get_refusal(refusal: BotError) -> BotError:
    """Return why no more tokens are granted, as an error whose sentence fits below text, and after hidden reasoning.

    The store's own sentence says that nothing was used up, which is no longer so.
    """
    if isinstance(refusal, StoreUnavailable):
        return StoreUnavailable(str(refusal), message=texts.store_failed())
    return refusal


def get_line(end: RequestEnd) -> Message | None:
    """Return the line below an answer, if its outcome has one."""
    if end.shows is not Shows.RESULT_AND_LINE:
        return None
    if isinstance(end.error, BotError) and not isinstance(end.error, RequestCancelled):
        return end.error.message
    return _LINES[end.outcome]


def get_buttons(turn_id: int | None, keeps: Keeps) -> AnswerButtons:
    """Return the buttons below an answer; none if it isn't stored."""
    if turn_id is None:
        return NO_BUTTONS
    continue_ = (Action.CONTINUE,) if keeps is Keeps.UNFINISHED else ()
    return AnswerButtons((Action.REGENERATE, *continue_, Action.READ, Action.DELETE), turn_id)
