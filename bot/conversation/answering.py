"""The use case behind `/ask`: a question becomes an answer that shows while it is being written.

`prepare` looks at everything that needs no network, and is quick; `answer` does the work. Spending has the ledger's
shape: inside the reservation's block, what came is noted as spent, and leaving the block gives the rest back.
"""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from bot.api.chat_types import ChatMessage
from bot.api.client import ApiClient
from bot.api.transport import SendStatus
from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.conversation import attachments
from bot.conversation.context_window import ContextWindow, HistorySelector, SelectedHistory, shortened
from bot.conversation.outcomes import (
    COMPLETE,
    DELETED,
    INTERRUPTED,
    AnswerCancelled,
    Outcome,
    controls_under,
    ending_of,
    failed,
    halted_by,
    stopped_by,
    unless_halted,
)
from bot.conversation.prompt import PromptInputs, estimate_prompt, facts_for, render
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
from bot.messages.message import plain
from bot.quotas.ledger import Ledger
from bot.quotas.limits import Kind
from bot.quotas.reservation import BLOCK_TOKENS, Reservation
from bot.store.conversations import Conversations
from bot.store.turns import NewTurn
from bot.streaming.message_streamer import MessageStreamer
from bot.streaming.output import Action, AnswerButtons, AnswerObserver, AnswerOutput
from bot.telemetry.request_log import RequestLog
from bot.workers.pool import DecodingWorkers

log = logging.getLogger(__name__)


class AnswerSurface(AnswerOutput, Protocol):
    """Where an answer shows, which messages it came to, and what ends it early."""

    @property
    def id(self) -> int:
        """What the answer is known by while it is under way."""
        ...

    @property
    def cancellation(self) -> CancellationToken:
        """Pulled where the answer is to end."""
        ...

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """What is going to be asked of the model, and what is held back for it.

    Enter `reservation` around all that follows, the acknowledgement too, so that a failure there gives it back. `path`
    has the ids of the turns that a reply goes on from.
    """

    requester: RequestContext
    question: Question
    messages: tuple[ChatMessage, ...]
    prompt_tokens: int
    view: SelectedHistory
    material: PromptInputs
    path: tuple[int, ...]
    asked_at_ms: int
    reservation: Reservation


class Answering:
    """Answers questions, knowing what was said before."""

    def __init__(
        self,
        api: ApiClient,
        conversations: Conversations,
        ledger: Ledger,
        workers: DecodingWorkers,
        clock: Clock,
        *,
        window: ContextWindow,
    ) -> None:
        self._api = api
        self._conversations = conversations
        self._ledger = ledger
        self._workers = workers
        self._clock = clock
        self._window = window
        self._standing = HistorySelector(conversations, window.reach)

    async def prepare(self, requester: RequestContext, question: Question) -> PreparedAnswer:
        """Gather what the model is told and reserve its cost. Asks the store only.

        Raises:
            InvalidOption: there is no question in the text.
            TurnNotFound: the turn that it comes back to is not kept any more.
            UnreadableFile: a file that came with it cannot be used, as far as can be told before it is fetched.
            QuotaExceeded: a limit would be passed.
            StoreUnavailable: the store cannot be used just now.
        """
        if question.is_empty:
            raise InvalidOption("empty question", message=plain("Ask me something in `prompt`."))
        attachments.check(question.enclosed)
        asked_at_ms = requester.asked_ms(self._clock)
        earlier, path = await self._standing.before(requester, question)
        view = self._window.fit(earlier, question.needed)
        quoted = question.quoted if not path else None
        material = attachments.unopened(question.enclosed, question.subject or quoted)
        messages = self._rendered(requester, question, view, material)
        prompt_tokens = estimate_prompt(messages) + material.tokens
        reservation = await self._ledger.reserve(
            requester, {Kind.MESSAGES: 1, Kind.TOKENS: prompt_tokens + BLOCK_TOKENS}
        )
        return PreparedAnswer(
            requester, question, messages, prompt_tokens, view, material, path, asked_at_ms, reservation
        )

    async def without_deleted(self, prepared: PreparedAnswer) -> PreparedAnswer:
        """Leave out what was deleted since it was prepared, after some time in line. Never costs more than before.

        Raises:
            TurnNotFound: what was to be gone on with was deleted.
            StoreUnavailable: the store cannot be used just now.
        """
        turns = tuple(await self._conversations.list_existing(prepared.view.turns))
        if turns == prepared.view.turns:
            return prepared
        after = prepared.question.after
        if after is not None and after.id not in {turn.id for turn in turns}:
            raise TurnNotFound(f"turn {after.id}")
        return self._asked_with(prepared, replace(prepared.view, turns=turns), prepared.material)

    async def answer(
        self, prepared: PreparedAnswer, surface: AnswerSurface, observer: AnswerObserver | None = None
    ) -> None:
        """Show the answer on `surface` while it comes, then keep it. Ends the reservation, whatever happens.

        `observer` gets its text as well, and learns of its end where it is complete.

        An answer that breaks off keeps its text, with a line that says so; so does one that comes to the last token
        it was granted, and one that is cancelled. One that is deleted meanwhile is let go of.

        Before its first word an answer costs nothing, unless people ended it when the request had been sent: then it
        costs the message and the estimate of the request. From the first word on it costs what came, and where the
        process is killed, what is known of that.

        Raises:
            UnreadableFile: a file that came with the question is not what it seemed to be, or cannot be fetched.
            ApiError: it failed before a word was shown.
            AnswerCancelled: it was cancelled before that.
            QuotaExceeded, StoreUnavailable: no more was granted, and hidden reasoning had taken all there was.
        """
        tally = StreamMeter(prepared.prompt_tokens, self._ledger.token_budget(prepared.reservation, Kind.TOKENS))
        with RequestLog("ask", prepared.requester, self._clock) as request_log:
            request_log.record(
                way=prepared.question.way, model=prepared.question.model, private=prepared.question.private
            )
            request_log.record(earlier_turns=len(prepared.view.turns), reply=bool(prepared.path))
            request_log.record(files=len(prepared.question.enclosed))
            if prepared.question.enclosed:
                material = await self._opened(prepared, surface.cancellation)
                prepared = self._asked_with(prepared, prepared.view, material)
                tally.expect(prepared.prompt_tokens)
            try:
                await self._show(prepared, surface, tally, request_log, observer)
            finally:
                request_log.record(prompt_tokens=tally.prompt_tokens, answer_tokens=tally.answer_tokens)
                request_log.record(estimated=tally.estimated)

    async def _opened(self, prepared: PreparedAnswer, cancellation: CancellationToken) -> PromptInputs:
        """Read the files that came with a question.

        Raises:
            UnreadableFile: one cannot be used.
            AnswerCancelled: the answer was cancelled before they were read.
        """
        material = prepared.material

        async def read() -> None:
            nonlocal material
            material = await attachments.opened(
                prepared.question.enclosed, material.subject, self._workers, prepared.requester.user_id
            )

        if (halt := await unless_halted(cancellation, read())) is not None:
            log.info("answer halted", extra={"halt": halt.name})
            raise AnswerCancelled(halt)
        return material

    async def _show(
        self,
        prepared: PreparedAnswer,
        surface: AnswerSurface,
        tally: StreamMeter,
        request_log: RequestLog,
        observer: AnswerObserver | None,
    ) -> None:
        """Stream, settle, keep, and only then show the last words: whoever has read them finds all of it done."""
        interruption: asyncio.CancelledError | None = None
        cancellation, controls = surface.cancellation, AnswerButtons((Action.STOP,), surface.id)
        async with MessageStreamer(surface, self._clock, observer, buttons=controls) as relay:
            async with prepared.reservation as reservation:
                try:
                    try:
                        ending = await self._stream(prepared, cancellation, relay, tally, request_log, observer)
                    except ContextTooLong as error:
                        prepared = self._with_less(prepared, tally, error)
                        request_log.record(earlier_turns=len(prepared.view.turns))
                        ending = await self._stream(prepared, cancellation, relay, tally, request_log, observer)
                except asyncio.CancelledError as error:
                    if not relay.has_text:
                        raise
                    ending, interruption = INTERRUPTED, error
                finally:
                    if tally.costs:
                        tokens = tally.prompt_tokens + tally.answer_tokens
                        reservation.set_spent({Kind.MESSAGES: 1, Kind.TOKENS: tokens})
            request_log.set_outcome(ending.name)
            if observer is not None and ending is COMPLETE:
                observer.on_complete()
            if ending is DELETED:
                await relay.discard()
            else:
                kept = await self._keep(prepared, surface, tally, ending)
                await self._finish(relay, controls_under(kept, ending), ending.note, prepared.view.omission)
                if kept is not None:
                    await self._keep_messages(kept, surface)
        if interruption is not None:
            raise interruption

    async def _stream(
        self,
        prepared: PreparedAnswer,
        cancellation: CancellationToken,
        relay: MessageStreamer,
        tally: StreamMeter,
        request_log: RequestLog,
        observer: AnswerObserver | None,
    ) -> Outcome:
        """Bring the answer to `relay` as it comes; tell how it ended once there are words to keep."""
        send_status = SendStatus()
        try:
            halt = await unless_halted(cancellation, self._feed(prepared, relay, tally, request_log, send_status))
        except ApiError as error:
            if not relay.has_text and type(error) is BadRequest and prepared.material.sights:
                # The likely reason, where a request with pictures was not accepted and nobody says why.
                raise ImagesRejected(str(error), status=error.status) from error
            if not relay.has_text:
                raise
            log.warning("answer failed midway", extra={"error": type(error).__name__, "detail": str(error)})
            return failed(error)
        if halt is not None:
            log.info("answer halted", extra={"halt": halt.name})
            if halt.is_by_user:
                tally.given_up = send_status.may_be_billed
                if observer is not None:
                    observer.on_cancelled()
            if not relay.has_text:
                raise AnswerCancelled(halt)
            return halted_by(halt)
        if tally.stopped is not None:
            log.info("answer stopped", extra={"detail": str(tally.stopped)})
            if not relay.has_text:
                raise tally.stopped
            return stopped_by(tally.stopped)
        if not relay.has_text:
            raise InvalidApiResponse("an answer without a word")
        return ending_of(tally.end)

    async def _feed(
        self,
        prepared: PreparedAnswer,
        relay: MessageStreamer,
        tally: StreamMeter,
        request_log: RequestLog,
        send_status: SendStatus,
    ) -> None:
        stream = self._api.chat_stream(prepared.question.model, prepared.messages, send_status)
        async with aclosing(stream) as events, aclosing(tally.texts(events, relay.on_reasoning)) as texts:
            async for text in texts:
                request_log.mark_first_output()
                if not relay.has_text and text.strip():
                    tokens = tally.prompt_tokens + tally.answer_tokens
                    await self._ledger.record_due(prepared.reservation, {Kind.MESSAGES: 1, Kind.TOKENS: tokens})
                relay.feed(text)

    def _with_less(self, prepared: PreparedAnswer, tally: StreamMeter, error: ContextTooLong) -> PreparedAnswer:
        """Leave out the older turns of a request that was too long: about half of it goes.

        Raises:
            ContextTooLong: there are none.
        """
        needed = prepared.question.needed
        if len(prepared.view.turns) <= needed or tally.begun:
            raise error
        asked = self._asked_with(prepared, SelectedHistory(), prepared.material).prompt_tokens
        view = shortened(prepared.view, prepared.prompt_tokens // 2 - asked, needed)
        less = self._asked_with(prepared, view, prepared.material)
        log.info("earlier turns left out", extra={"turns": len(prepared.view.turns), "kept": len(less.view.turns)})
        tally.expect(less.prompt_tokens)
        return less

    async def _finish(self, relay: MessageStreamer, controls: AnswerButtons, *notes: str | None) -> None:
        try:
            await relay.finish("\n".join(note for note in notes if note) or None, controls)
        except Exception as error:
            # Discord would not take the last text, after several attempts. What it shows is part of the answer: better
            # than any notice in its place. The error's words may quote the answer, so only its kind is told.
            log.error("answer not shown to its end", extra={"error": type(error).__name__})

    async def _keep(
        self, prepared: PreparedAnswer, surface: AnswerSurface, tally: StreamMeter, ending: Outcome
    ) -> int | None:
        """Keep the turn, unless it was deleted meanwhile, and return its id; the answer is shown in any case."""
        requester, question, first = prepared.requester, prepared.question, prepared.question.first
        turn = NewTurn(
            channel_id=requester.channel_id,
            parent_channel_id=requester.settings_channel_id
            if requester.settings_channel_id != requester.channel_id
            else None,
            guild_id=requester.guild_id,
            author_id=requester.user_id if first is None else first.author_id,
            author_name=requester.name if first is None else first.author_name,
            private=question.private,
            fresh=question.fresh,
            path=prepared.path,
            replaces_id=None if question.again is None else question.again.id,
            question=question.text,
            files=prepared.material.files,
            about=None if prepared.material.subject is None else prepared.material.subject.message_id,
            answer=tally.text,
            finish=ending.name,
            model=question.model,
            prompt_tokens=tally.prompt_tokens,
            answer_tokens=tally.answer_tokens,
            tokens_estimated=tally.estimated,
            question_message_id=question.message_id,
            answer_message_ids=surface.message_ids,
            asked_at_ms=prepared.asked_at_ms,
            created_at_ms=unix_ms(self._clock.discord_now()),
        )
        try:
            return await self._conversations.save(turn)
        except StoreUnavailable as error:
            log.error("turn not kept", extra={"detail": str(error)})
            return None

    async def _keep_messages(self, turn_id: int, surface: AnswerSurface) -> None:
        """Keep the ids of messages that the last words still added."""
        try:
            await self._conversations.record_messages(turn_id, surface.message_ids)
        except StoreUnavailable as error:
            log.error("messages of a turn not kept", extra={"turn": turn_id, "detail": str(error)})

    def _rendered(
        self, requester: RequestContext, question: Question, view: SelectedHistory, material: PromptInputs
    ) -> tuple[ChatMessage, ...]:
        if question.first is not None:
            requester = replace(requester, name=question.first.author_name)
        facts = facts_for(question.persona, requester, self._clock.now())
        return tuple(render(question.persona, view.turns, question.text, requester.name, facts, material))

    def _asked_with(self, prepared: PreparedAnswer, view: SelectedHistory, material: PromptInputs) -> PreparedAnswer:
        """Ask the same question with other turns or other material going along."""
        messages = self._rendered(prepared.requester, prepared.question, view, material)
        tokens = estimate_prompt(messages) + material.tokens
        return replace(prepared, view=view, material=material, messages=messages, prompt_tokens=tokens)
