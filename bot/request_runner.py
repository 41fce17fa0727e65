"""How every request runs, and how it can end: what it then shows, costs and keeps.

`RequestRunner.run` is the one way: prepare, reserve, acknowledge, wait for a slot, work, settle, keep and show.
`Outcome` is the table of all ends. Answers, images and speech differ in their `UseCase` only.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType
from typing import Final, Protocol, Self

from bot.clock import Clock
from bot.concurrency_limit import ConcurrencyLimiter, Slot
from bot.context import RequestContext
from bot.errors import BotError, ContentRefused, QuotaExceeded, StoreUnavailable, UnreadableFile
from bot.inflight.cancellation import CancelReason
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.quotas.ledger import Reservation
from bot.store.quota_limits import Kind
from bot.tasks import run_to_end

logger = logging.getLogger(__name__)


class Shows(Enum):
    """What the member sees in the end."""

    RESULT = "the result"
    RESULT_AND_LINE = "the result so far and a line below it"
    SENTENCE = "a sentence instead"
    NOTHING = "nothing"


class Costs(Enum):
    """What the request is charged for. Hidden reasoning is received too, although no word of it shows."""

    NOTHING = "nothing"
    RECEIVED = "what was received"
    RECEIVED_OR_SENT = "what was received; if nothing, what was sent"


class Keeps(Enum):
    """What is stored, and so has buttons: an answer, the prompt of images; of speech nothing. Only answers continue."""

    NOTHING = "nothing"
    RESULT = "the result"
    UNFINISHED = "the result, with a button to continue"


class Outcome(Enum):
    """Every way in which a request can end while its process lives. The label is its name in store and log.

    What a row `shows` and `keeps` counts once there is a result: the first word of an answer; images and speech have
    one when `work` returns. Before that an error shows a sentence and keeps nothing (`RequestEnd`). What it `costs`
    counts always: people who end a request pay for what was sent, even if nothing came; where the service or the bot
    ends it, for what was received only. Members are told once: in a line by `conclude`, in a sentence by the runner, at
    a shutdown before any result by `EventGate`. Only answers can be stopped, run out of time or be ended by a deletion.

    If the process dies, `bot.inflight.recovery` marks the answer, what `Ledger.record_due` recorded is charged, and no
    turn is stored.
    """

    # label, what it shows, costs and keeps; then when it happens
    COMPLETE = "complete", Shows.RESULT, Costs.RECEIVED, Keeps.RESULT  # it ended by itself
    PARTLY = "partly", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.RESULT  # some images are missing
    LENGTH = "length", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # the model's length limit
    FILTERED = "filtered", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.RESULT  # the API refused to go on
    CUT = "cut", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # the connection ended early
    FAILED = "failed", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # an error event, or too slow
    LIMITED = "limited", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # no more tokens: a limit
    STORE_FAILED = "unstored", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # no more tokens: the store
    STOPPED = "stopped", Shows.RESULT_AND_LINE, Costs.RECEIVED_OR_SENT, Keeps.UNFINISHED  # by a member
    OUT_OF_TIME = "timed", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # 14 minutes were over
    INTERRUPTED = "interrupted", Shows.RESULT_AND_LINE, Costs.RECEIVED, Keeps.UNFINISHED  # by a shutdown
    DELETED = "deleted", Shows.NOTHING, Costs.RECEIVED_OR_SENT, Keeps.NOTHING  # what was shown
    REFUSED = "refused", Shows.SENTENCE, Costs.NOTHING, Keeps.NOTHING  # before the API is asked
    CRASHED = "crashed", Shows.SENTENCE, Costs.RECEIVED, Keeps.NOTHING  # a fault of ours; below text

    def __init__(self, label: str, shows: Shows, costs: Costs, keeps: Keeps) -> None:
        self.label = label
        self.shows = shows
        self.costs = costs
        self.keeps = keeps


@dataclass(frozen=True, slots=True)
class RequestEnd:
    """How one request ended: by itself, or by an `error`; `has_result`: whether there was any result before the error.

    An error before there is any result: a sentence shows, nothing is kept, the costs are the row's. In all other cases
    the row says everything. `failure` is why the end could not be shown, or not be kept.
    """

    outcome: Outcome
    error: Exception | asyncio.CancelledError | None = None
    has_result: bool = False
    failure: Exception | None = None

    @property
    def shows(self) -> Shows:
        """What the member sees."""
        return Shows.SENTENCE if self._failed_before_result else self.outcome.shows

    @property
    def keeps(self) -> Keeps:
        """What is stored."""
        return Keeps.NOTHING if self._failed_before_result else self.outcome.keeps

    @property
    def log_label(self) -> str:
        """The name in the log: the error's where nothing but the error is shown."""
        if self.shows is not Shows.SENTENCE or isinstance(self.error, asyncio.CancelledError):
            return self.outcome.label
        return type(self.error).__name__

    @property
    def _failed_before_result(self) -> bool:
        return self.error is not None and not self.has_result


class RequestCancelled(BotError):
    """A request was cancelled by its token. The message is shown where there is no result."""

    def __init__(self, reason: CancelReason, message: Message) -> None:
        super().__init__(f"cancelled: {reason.name}", message=message)
        self.reason = reason


_BY_CANCEL_REASON: Final = {
    CancelReason.STOPPED: Outcome.STOPPED,
    CancelReason.OUT_OF_TIME: Outcome.OUT_OF_TIME,
    CancelReason.DELETED: Outcome.DELETED,
}

_BY_ERROR: Final = (
    (asyncio.CancelledError, Outcome.INTERRUPTED),
    (ContentRefused, Outcome.FILTERED),
    (QuotaExceeded, Outcome.LIMITED),
    (StoreUnavailable, Outcome.STORE_FAILED),
    (UnreadableFile, Outcome.REFUSED),
    (BotError, Outcome.FAILED),
)
"""The outcome of `work` that raised; the first class that fits counts. Before it every BotError is REFUSED."""


def get_error_outcome(error: BaseException) -> Outcome:
    """Return the outcome of work that raised `error`."""
    if isinstance(error, RequestCancelled):
        return _BY_CANCEL_REASON[error.reason]
    return next((outcome for kind, outcome in _BY_ERROR if isinstance(error, kind)), Outcome.CRASHED)


class RequestLog:
    """What is known of one request while it runs; leaving its block logs it, in one INFO record.

    Facts are ids, sizes and counts only, never what people wrote. The outcome is what `set_outcome` set, also where a
    shutdown ends the block after that; without one, the type of the error that left the block.
    """

    def __init__(self, command: str, requester: RequestContext, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._first_output_at: float | None = None
        self._outcome = ""
        self._facts: dict[str, object] = {
            "command": command,
            "user": requester.user_id,
            "guild": requester.guild_id,
            "channel": requester.channel_id,
        }

    def record(self, **facts: object) -> None:
        """Add facts to the record."""
        self._facts.update(facts)

    def mark_first_output(self) -> None:
        """Record the moment when something of the answer first arrived."""
        if self._first_output_at is None:
            self._first_output_at = self._clock.monotonic()

    def set_outcome(self, outcome: str) -> None:
        """Set how it ended."""
        self._outcome = outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        outcome = self._outcome or ("" if kind is None else kind.__name__)
        facts = {**self._facts, "outcome": outcome, "total_ms": self._since_start(self._clock.monotonic())}
        if self._first_output_at is not None:
            facts["first_word_ms"] = self._since_start(self._first_output_at)
        logger.info("request", extra=facts)

    def _since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)


Amounts = Mapping[Kind, int]


class UseCase(ABC):
    """One request: what it prepares, does and leaves. Made for one `RequestRunner.run`, which calls it in this order.

    `command` is its name in the log. `takes_slot` is False for what waits in a queue of its own.
    """

    command: str
    takes_slot = True

    def __init__(self, requester: RequestContext) -> None:
        self.requester = requester

    @abstractmethod
    async def prepare(self) -> Reservation:
        """Do all that needs no network, and reserve the cost.

        Raises:
            UserError: the request is refused.
            StoreUnavailable: the store cannot be used just now.
        """

    def beside(self) -> AbstractAsyncContextManager[object]:
        """Return what runs beside the request, from its reservation until after its slot is free."""
        return nullcontext()

    async def recheck(self) -> None:  # noqa: B027  # for most, nothing can have changed
        """Do what a wait in the queue makes necessary. Never costs more than before.

        Raises:
            UserError: the request is refused now.
            StoreUnavailable: the store cannot be used just now.
        """

    @abstractmethod
    async def work(self, request_log: RequestLog) -> Outcome:
        """Make the result, and return its outcome. Whatever it raises ends the request as the table says."""

    @property
    @abstractmethod
    def received(self) -> Amounts:
        """What was received so far and has its price; empty for nothing."""

    @property
    def sent(self) -> Amounts:
        """What a request costs that was sent and gave nothing; empty if it was not sent, or costs nothing then."""
        return {}

    @property
    def has_result(self) -> bool:
        """Whether there is any result while the work goes on, which an error leaves as it is."""
        return False

    @abstractmethod
    async def conclude(self, end: RequestEnd) -> None:
        """Keep and show what `end` says; where that is a sentence, only end what shows: the runner shows the sentence.

        Called once the work has begun, however it ended, when its cost is settled. Never cancelled.
        """


class Responder(Protocol):
    """Where a request is answered, as the runner sees it: the wall between requests and Discord."""

    async def acknowledge(self) -> None:
        """Show that the request has come."""
        ...

    async def show_status(self, status: Message) -> None:
        """Show `status` in place of the result."""
        ...

    def working(self) -> AbstractAsyncContextManager[object]:
        """Show for as long as the block runs that the request is worked on."""
        ...

    async def show_error(self, error: Exception) -> None:
        """Show a sentence about `error` in place of the result, or below what there is of it; log it. Never raises."""
        ...


class RequestRunner:
    """Runs requests."""

    def __init__(self, limiter: ConcurrencyLimiter, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock

    async def run(self, use_case: UseCase, responder: Responder) -> RequestEnd:
        """Run one request to its end, and return that. An error is shown here, once.

        Raises:
            CancelledError: the bot stops. `EventGate`, which cancels, tells the member unless there is a result.
        """
        end = await self._run(use_case, responder)
        if isinstance(end.error, asyncio.CancelledError):
            raise end.error
        error = end.error if end.shows is Shows.SENTENCE else end.failure
        if error is not None:
            await responder.show_error(error)
        return end

    async def _run(self, use_case: UseCase, responder: Responder) -> RequestEnd:
        """Reserve, and leave nothing reserved or running, whatever happens.

        An error before the work costs nothing: leaving the reservation gives it back. One after it changes no end.
        """
        end: RequestEnd | None = None
        try:
            reservation = await use_case.prepare()
            async with reservation, use_case.beside(), self._slot(use_case) as slot:
                await responder.acknowledge()
                if slot is not None and await wait_for_slot(slot, responder.show_status):
                    await use_case.recheck()
                async with responder.working():
                    return (end := await self._work_and_settle(use_case, reservation))
        except Exception as error:  # a refusal, or a fault of the program: the member gets a sentence, the log the rest
            if end is not None:
                return _add_failure(end, error)
            return RequestEnd(Outcome.REFUSED if isinstance(error, BotError) else Outcome.CRASHED, error)

    def _slot(self, use_case: UseCase) -> AbstractAsyncContextManager[Slot | None]:
        return self._limiter.slot(use_case.requester) if use_case.takes_slot else nullcontext()

    async def _work_and_settle(self, use_case: UseCase, reservation: Reservation) -> RequestEnd:
        """Work; then charge, settle, keep and show by the outcome's row. When the end shows, the rest is done."""
        with RequestLog(use_case.command, use_case.requester, self._clock) as request_log:
            end = await _work_to_end(use_case, request_log)
            reservation.set_spent(_get_charge(end.outcome.costs, use_case))
            request_log.set_outcome(end.log_label)
            # A cancellation from here on waits: what was made and charged is kept and shown.
            return await run_to_end(_settle_and_conclude(use_case, reservation, end))


async def _work_to_end(use_case: UseCase, request_log: RequestLog) -> RequestEnd:
    """Return how the work ended, whatever it raised."""
    try:
        return RequestEnd(await use_case.work(request_log))
    except (Exception, asyncio.CancelledError) as error:  # the table has a row for each class
        return RequestEnd(get_error_outcome(error), error, use_case.has_result)


async def _settle_and_conclude(use_case: UseCase, reservation: Reservation, end: RequestEnd) -> RequestEnd:
    """Settle, keep and show; return `end`, with what went wrong with that."""
    await reservation.settle()  # before the end shows; leaving the block does nothing then
    try:
        await use_case.conclude(end)
    except Exception as failure:  # of any class: the request is charged, and perhaps stored
        return _add_failure(end, failure)
    return end


def _add_failure(end: RequestEnd, failure: Exception) -> RequestEnd:
    """Log that an end does not show, and return it with the first failure of it."""
    # Its text may quote the result, so only its type is logged.
    logger.warning("result not shown", extra={"outcome": end.outcome.label, "error": type(failure).__name__})
    return replace(end, failure=end.failure or failure)


def _get_charge(costs: Costs, use_case: UseCase) -> Amounts:
    """Return what is charged."""
    match costs:
        case Costs.NOTHING:
            return {}
        case Costs.RECEIVED:
            return use_case.received
        case Costs.RECEIVED_OR_SENT:
            return use_case.received or use_case.sent


async def wait_for_slot(slot: Slot, show: Callable[[Message], Awaitable[None]]) -> bool:
    """Wait until it is the turn of `slot`; `show` puts the place in the queue where the result will be.

    Return whether there was a wait.

    Raises:
        QueueTimeout: the member would not get the result any more.
        ShuttingDown: no more requests start.
    """

    async def tell(position: int) -> None:
        await _try_to_show(show, texts.position_in_queue(position) if position else texts.next_in_queue())

    return await slot.wait(tell)


async def _try_to_show(show: Callable[[Message], Awaitable[None]], notice: Message) -> None:
    try:
        await show(notice)
    except Exception as failure:
        # The network's errors have nothing in common. The request keeps waiting; only the notice is outdated.
        logger.warning("queue notice not shown", extra={"error": type(failure).__name__})
