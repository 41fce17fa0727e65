"""Outcomes of answers: complete, cut, failed, stopped; and running an answer until it is cancelled."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from bot.api.chat_events import StreamEnd
from bot.errors import ApiError, BotError, ContentRefused, QuotaExceeded
from bot.inflight.cancellation import CancellationToken, CancelReason
from bot.inflight.cancellation_watcher import MAX_DURATION_S
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.streaming.output import NO_BUTTONS, Action, AnswerButtons
from bot.tasks import cancel_and_wait, wait_for_first


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an answer ended: the name in the store and the log, and the sentence below the answer, if any."""

    name: str
    note: Message | None = None


COMPLETE: Final = Outcome("complete")
INTERRUPTED: Final = Outcome("interrupted", texts.interrupted())
CUT: Final = Outcome("cut", texts.cut())
_BY_FINISH_REASON: Final = {
    "length": Outcome("length", texts.length_limit_reached()),
    "content_filter": Outcome("filtered", texts.filtered()),
}


_UNFINISHED: Final = frozenset({"interrupted", "cut", "failed", "length", "limited", "unstored", "stopped", "timed"})
"""The names of the outcomes that an answer can be continued after."""


def get_buttons(turn_id: int | None, outcome: Outcome) -> AnswerButtons:
    """Return the buttons below an answer; none if it isn't stored."""
    if turn_id is None:
        return NO_BUTTONS
    continue_ = (Action.CONTINUE,) if outcome.name in _UNFINISHED else ()
    return AnswerButtons((Action.REGENERATE, *continue_, Action.READ, Action.DELETE), turn_id)


def get_error_outcome(error: ApiError) -> Outcome:
    """Return the outcome of an answer whose stream raised an error after its first text."""
    return Outcome("filtered" if isinstance(error, ContentRefused) else "failed", error.message)


def get_refusal_outcome(reason: BotError) -> Outcome:
    """Return the outcome of an answer that was granted no more tokens: a limit was reached, or the store failed."""
    if isinstance(reason, QuotaExceeded):
        return Outcome("limited", reason.message)
    return Outcome("unstored", texts.store_failed())


def get_stream_outcome(end: StreamEnd | None) -> Outcome:
    """Return the outcome of a stream that raised no error."""
    if end is None or end.cut:
        return CUT
    return _BY_FINISH_REASON.get(end.finish_reason or "", COMPLETE)


STOPPED: Final = Outcome("stopped", texts.stopped())
OUT_OF_TIME: Final = Outcome("timed", texts.out_of_time(MAX_DURATION_S // 60))
DELETED: Final = Outcome("deleted")
_BY_CANCEL_REASON: Final = {
    CancelReason.STOPPED: STOPPED,
    CancelReason.OUT_OF_TIME: OUT_OF_TIME,
    CancelReason.DELETED: DELETED,
}

_BEFORE_TEXT: Final = {
    CancelReason.STOPPED: texts.stopped_before_text(),
    CancelReason.OUT_OF_TIME: texts.out_of_time_before_text(MAX_DURATION_S // 60),
    CancelReason.DELETED: texts.deleted_before_text(),
}


class AnswerCancelled(BotError):
    """An answer was cancelled before its first word."""

    def __init__(self, reason: CancelReason) -> None:
        super().__init__(f"cancelled: {reason.name}", message=_BEFORE_TEXT[reason])


def get_cancel_outcome(reason: CancelReason) -> Outcome:
    """Return the outcome of a cancelled answer that has text."""
    return _BY_CANCEL_REASON[reason]


async def run_until_cancelled(
    cancellation: CancellationToken, work: Coroutine[Any, Any, None]
) -> CancelReason | None:  # Any: what it sends and is sent
    """Run `work` until it ends, or until it is cancelled by the token, whose reason is returned then.

    Raises:
        Exception: what `work` raised.
    """
    if cancellation.reason is not None:
        work.close()
        return cancellation.reason
    working = asyncio.create_task(work)
    try:
        await wait_for_first(asyncio.wait({working}), cancellation.wait())
    finally:
        await cancel_and_wait(working)
    if working.cancelled():
        return cancellation.reason
    working.result()
    return None
