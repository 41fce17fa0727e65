"""The use case behind `/ask`: a question gets an answer that is shown while it streams.

`prepare` does everything that needs no network, and is quick; `answer` does the rest. Inside the reservation's block
the actual usage is recorded; leaving the block releases what was reserved beyond it.
"""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from bot.api.chat import ChatApi
from bot.api.payloads import ChatMessage
from bot.api.transport import SendStatus
from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.conversation import attachments, outcomes
from bot.conversation.context_window import ContextWindow, HistorySelector, SelectedHistory, shorten
from bot.conversation.outcomes import AnswerCancelled, Outcome, run_until_cancelled
from bot.conversation.prompt import PromptInputs, build_messages, estimate_prompt, get_persona_values
from bot.conversation.question import Question
from bot.conversation.stream_meter import StreamMeter
from bot.errors import (
    ApiError,
    BadRequest,
    ContextTooLong,
    ImagesRejected,
    InvalidApiResponse,
    InvalidOption,
    StoreUnavailable,
    TurnNotFound,
)
from bot.inflight.cancellation import CancellationToken
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.quotas.ledger import Ledger
from bot.quotas.reservation import BLOCK_TOKENS, Reservation
from bot.request_log import RequestLog
from bot.store.conversations import Conversations
from bot.store.quota_limits import Kind
from bot.store.turns import NewTurn
from bot.streaming.message_streamer import MessageStreamer
from bot.streaming.output import Action, AnswerButtons, AnswerObserver, AnswerOutput
from bot.workers.pool import DecodingWorkers

logger = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """The request for the model, and the reservation for its cost.

    Enter `reservation` around all that follows, the acknowledgement too, so that a failure there releases it.
    `parent_ids` are the ids of the turns that a reply continues.
    """

    requester: RequestContext
    question: Question
    messages: tuple[ChatMessage, ...]
    prompt_tokens: int
    history: SelectedHistory
    inputs: PromptInputs
    parent_ids: tuple[int, ...]
    reservation: Reservation


class Answering:
    """Answers questions with the history of their conversation."""

    def __init__(
        self,
        chat: ChatApi,
        conversations: Conversations,
        ledger: Ledger,
        workers: DecodingWorkers,
        clock: Clock,
        *,
        window: ContextWindow,
    ) -> None:
        self._chat = chat
        self._conversations = conversations
        self._ledger = ledger
        self._workers = workers
        self._clock = clock
        self._window = window
        self._selector = HistorySelector(conversations, window)

    async def prepare(self, requester: RequestContext, question: Question) -> PreparedAnswer:
        """Build the request for the model and reserve its cost. Reads from the store only, not from the network.

        Raises:
            InvalidOption: there is no question in the text.
            TurnNotFound: the turn that it regenerates or continues is not stored any more.
            UnreadableFile: an attachment cannot be used, as far as that is known before it is downloaded.
            QuotaExceeded: a limit would be passed.
            StoreUnavailable: the store cannot be used just now.
        """
        if question.is_empty:
            raise InvalidOption("empty question", message=texts.empty_prompt())
        attachments.ensure_usable(question.attachments)
        earlier, parent_ids = await self._selector.select_history(requester, question)
        history = self._window.select(earlier, question.required_turns)
        quoted = question.quoted if not parent_ids else None
        inputs = attachments.describe(question.attachments, question.about or quoted)
        messages = self._render(requester, question, history, inputs)
        prompt_tokens = estimate_prompt(messages) + inputs.tokens
        reservation = await self._ledger.reserve(
            requester, {Kind.MESSAGES: 1, Kind.TOKENS: prompt_tokens + BLOCK_TOKENS}
        )
        return PreparedAnswer(requester, question, messages, prompt_tokens, history, inputs, parent_ids, reservation)

    async def drop_deleted(self, prepared: PreparedAnswer) -> PreparedAnswer:
        """Leave out turns that were deleted since `prepare`, after waiting in the queue. Never costs more than before.

        Raises:
            TurnNotFound: the turn that the question continues was deleted.
            StoreUnavailable: the store cannot be used just now.
        """
        turns = tuple(await self._conversations.list_existing(prepared.history.turns))
        if turns == prepared.history.turns:
            return prepared
        after = prepared.question.continues
        if after is not None and after.id not in {turn.id for turn in turns}:
            raise TurnNotFound(f"turn {after.id}")
        return self._rebuild(prepared, replace(prepared.history, turns=turns), prepared.inputs)

    async def answer(
        self, prepared: PreparedAnswer, output: CancellableOutput, observer: AnswerObserver | None = None
    ) -> None:
        """Stream the answer to `output`, then store it. Settles the reservation, whatever happens.

        `observer` gets the text as well, and the end of a complete answer.

        An answer that breaks off keeps its text, with a line that says so; so does one that uses the last token it was
        granted, and one that is cancelled. One that is deleted meanwhile is discarded.

        Before its first word an answer costs nothing, unless a user cancels it after the request was sent: then it
        costs the message and the estimate of the request. From the first word on it costs what was received, and if
        the process is killed, what is known of that.

        Raises:
            UnreadableFile: an attachment is not what it seemed to be, or cannot be downloaded.
            ApiError: it failed before a word was shown.
            AnswerCancelled: it was cancelled before a word was shown.
            QuotaExceeded, StoreUnavailable: no more was granted, and hidden reasoning had used all there was.
        """
        meter = StreamMeter(prepared.prompt_tokens, self._ledger.token_budget(prepared.reservation, Kind.TOKENS))
        with RequestLog("ask", prepared.requester, self._clock) as request_log:
            request_log.record(
                trigger=prepared.question.trigger, model=prepared.question.model, private=prepared.question.private
            )
            request_log.record(earlier_turns=len(prepared.history.turns), reply=bool(prepared.parent_ids))
            request_log.record(files=len(prepared.question.attachments))
            if prepared.question.attachments:
                inputs = await self._load_inputs(prepared, output.cancellation)
                prepared = self._rebuild(prepared, prepared.history, inputs)
                meter.set_prompt_estimate(prepared.prompt_tokens)
            try:
                await self._run(prepared, output, meter, request_log, observer)
            finally:
                request_log.record(prompt_tokens=meter.prompt_tokens, answer_tokens=meter.answer_tokens)
                request_log.record(estimated=meter.is_estimated)

    async def _load_inputs(self, prepared: PreparedAnswer, cancellation: CancellationToken) -> PromptInputs:
        """Download and read the attachments of a question.

        Raises:
            UnreadableFile: one cannot be used.
            AnswerCancelled: the answer was cancelled before they were read.
        """
        inputs = prepared.inputs

        async def read() -> None:
            nonlocal inputs
            inputs = await attachments.load(
                prepared.question.attachments, inputs.about, self._workers, prepared.requester.user_id
            )

        if (reason := await run_until_cancelled(cancellation, read())) is not None:
            logger.info("answer cancelled", extra={"reason": reason.name})
            raise AnswerCancelled(reason)
        return inputs

    async def _run(
        self,
        prepared: PreparedAnswer,
        output: CancellableOutput,
        meter: StreamMeter,
        request_log: RequestLog,
        observer: AnswerObserver | None,
    ) -> None:
        """Stream, settle and store, and only then show the end: when that is seen, everything is done."""
        interruption: asyncio.CancelledError | None = None
        cancellation, buttons = output.cancellation, AnswerButtons((Action.STOP,), output.id)
        async with MessageStreamer(output, self._clock, observer, buttons=buttons) as streamer:
            async with prepared.reservation as reservation:
                try:
                    try:
                        outcome = await self._stream(prepared, cancellation, streamer, meter, request_log, observer)
                    except ContextTooLong as error:
                        prepared = self._shorten(prepared, meter, error)
                        request_log.record(earlier_turns=len(prepared.history.turns))
                        outcome = await self._stream(prepared, cancellation, streamer, meter, request_log, observer)
                except asyncio.CancelledError as error:
                    if not streamer.has_text:
                        raise
                    outcome, interruption = outcomes.INTERRUPTED, error
                finally:
                    if meter.is_billable:
                        tokens = meter.prompt_tokens + meter.answer_tokens
                        reservation.set_spent({Kind.MESSAGES: 1, Kind.TOKENS: tokens})
            request_log.set_outcome(outcome.name)
            if observer is not None and outcome is outcomes.COMPLETE:
                observer.on_complete()
            if outcome is outcomes.DELETED:
                await streamer.discard()
            else:
                turn_id = await self._save_turn(prepared, output, meter, outcome)
                await self._finish(
                    streamer, outcomes.get_buttons(turn_id, outcome), outcome.note, prepared.history.omission
                )
                if turn_id is not None:
                    await self._save_message_ids(turn_id, output)
        if interruption is not None:
            raise interruption

    async def _stream(
        self,
        prepared: PreparedAnswer,
        cancellation: CancellationToken,
        streamer: MessageStreamer,
        meter: StreamMeter,
        request_log: RequestLog,
        observer: AnswerObserver | None,
    ) -> Outcome:
        """Feed the answer to `streamer` as it comes, and return its outcome; raise if there is no text to keep."""
        send_status = SendStatus()
        try:
            reason = await run_until_cancelled(
                cancellation, self._feed(prepared, streamer, meter, request_log, send_status)
            )
        except ApiError as error:
            if not streamer.has_text and type(error) is BadRequest and prepared.inputs.images:
                # The likely reason why a request with images was not accepted: the API doesn't say.
                raise ImagesRejected(str(error), status=error.status) from error
            if not streamer.has_text:
                raise
            logger.warning(
                "answer failed after its first text", extra={"error": type(error).__name__, "detail": str(error)}
            )
            return outcomes.get_error_outcome(error)
        if reason is not None:
            logger.info("answer cancelled", extra={"reason": reason.name})
            if reason.is_by_user:
                meter.is_billable_unanswered = send_status.may_be_billed
                if observer is not None:
                    observer.on_cancelled()
            if not streamer.has_text:
                raise AnswerCancelled(reason)
            return outcomes.get_cancel_outcome(reason)
        if meter.refusal is not None:
            logger.info("answer stopped at a limit", extra={"detail": str(meter.refusal)})
            if not streamer.has_text:
                raise meter.refusal
            return outcomes.get_refusal_outcome(meter.refusal)
        if not streamer.has_text:
            raise InvalidApiResponse("an answer without a word")
        return outcomes.get_stream_outcome(meter.stream_end)

    async def _feed(
        self,
        prepared: PreparedAnswer,
        streamer: MessageStreamer,
        meter: StreamMeter,
        request_log: RequestLog,
        send_status: SendStatus,
    ) -> None:
        stream = self._chat.stream(prepared.question.model, prepared.messages, send_status)
        async with aclosing(stream) as events, aclosing(meter.count(events, streamer.on_reasoning)) as texts:
            async for text in texts:
                request_log.mark_first_output()
                if not streamer.has_text and text.strip():
                    tokens = meter.prompt_tokens + meter.answer_tokens
                    await self._ledger.record_due(prepared.reservation, {Kind.MESSAGES: 1, Kind.TOKENS: tokens})
                streamer.feed(text)

    def _shorten(self, prepared: PreparedAnswer, meter: StreamMeter, error: ContextTooLong) -> PreparedAnswer:
        """Leave out the older turns of a request that was too long, about half of its tokens.

        Raises:
            ContextTooLong: there are none to leave out.
        """
        required = prepared.question.required_turns
        if len(prepared.history.turns) <= required or meter.has_output:
            raise error
        bare_tokens = self._rebuild(prepared, SelectedHistory(), prepared.inputs).prompt_tokens
        history = shorten(prepared.history, prepared.prompt_tokens // 2 - bare_tokens, required)
        shorter = self._rebuild(prepared, history, prepared.inputs)
        logger.info(
            "prompt shortened", extra={"turns": len(prepared.history.turns), "remaining": len(shorter.history.turns)}
        )
        meter.set_prompt_estimate(shorter.prompt_tokens)
        return shorter

    async def _finish(self, streamer: MessageStreamer, buttons: AnswerButtons, *notes: Message | None) -> None:
        try:
            await streamer.finish([note for note in notes if note is not None], buttons)
        except Exception as error:
            # Discord didn't take the final text in several attempts. What it shows is part of the answer, which is
            # better than an error message in its place. The error may quote the answer, so only its type is logged.
            logger.error("answer not shown completely", extra={"error": type(error).__name__})

    async def _save_turn(
        self, prepared: PreparedAnswer, output: CancellableOutput, meter: StreamMeter, outcome: Outcome
    ) -> int | None:
        """Store the turn and return its id; None if it was deleted meanwhile or the store failed."""
        requester, question, source = prepared.requester, prepared.question, prepared.question.source_turn
        turn = NewTurn(
            channel_id=requester.channel_id,
            parent_channel_id=requester.settings_channel_id
            if requester.settings_channel_id != requester.channel_id
            else None,
            guild_id=requester.guild_id,
            author_id=requester.user_id if source is None else source.author_id,
            author_name=requester.name if source is None else source.author_name,
            private=question.private,
            fresh=question.fresh,
            path=prepared.parent_ids,
            replaces_id=None if question.regenerates is None else question.regenerates.id,
            question=question.text,
            files=prepared.inputs.files,
            about=None if prepared.inputs.about is None else prepared.inputs.about.message_id,
            answer=meter.text,
            finish=outcome.name,
            model=question.model,
            prompt_tokens=meter.prompt_tokens,
            answer_tokens=meter.answer_tokens,
            tokens_estimated=meter.is_estimated,
            question_message_id=question.message_id,
            answer_message_ids=output.message_ids,
            asked_at_ms=prepared.requester.asked_at_ms,
            created_at_ms=unix_ms(self._clock.discord_now()),
        )
        try:
            return await self._conversations.save(turn)
        except StoreUnavailable as error:
            logger.error("turn not saved", extra={"detail": str(error)})
            return None

    async def _save_message_ids(self, turn_id: int, output: CancellableOutput) -> None:
        """Store the ids of messages that the end of the answer added."""
        try:
            await self._conversations.record_messages(turn_id, output.message_ids)
        except StoreUnavailable as error:
            logger.error("message ids of a turn not saved", extra={"turn": turn_id, "detail": str(error)})

    def _render(
        self, requester: RequestContext, question: Question, history: SelectedHistory, inputs: PromptInputs
    ) -> tuple[ChatMessage, ...]:
        if question.source_turn is not None:
            requester = replace(requester, name=question.source_turn.author_name)
        values = get_persona_values(question.persona, requester, self._clock.now())
        return tuple(build_messages(question.persona, history.turns, question.text, requester.name, values, inputs))

    def _rebuild(self, prepared: PreparedAnswer, history: SelectedHistory, inputs: PromptInputs) -> PreparedAnswer:
        """Return the same question with another history or other inputs."""
        messages = self._render(prepared.requester, prepared.question, history, inputs)
        tokens = estimate_prompt(messages) + inputs.tokens
        return replace(prepared, history=history, inputs=inputs, messages=messages, prompt_tokens=tokens)
