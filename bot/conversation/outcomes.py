"""What becomes of an answer whose cancellation is pulled."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from bot.api.chat_types import StreamEnd
from bot.errors import ApiError, BotError, ContentRefused, QuotaExceeded
from bot.inflight.cancellation import CancellationToken, CancelReason
from bot.messages.message import plain
from bot.messages.render import render
from bot.streaming.output import NO_BUTTONS, Action, AnswerButtons


@dataclass(frozen=True, slots=True)
class Outcome:
    """An ending: its name in the store and the log, and the sentence that stands below the answer, if any."""

    name: str
    note: str | None = None


COMPLETE: Final = Outcome("complete")
INTERRUPTED: Final = Outcome("interrupted", "I was interrupted here, so this is not the whole answer.")
CUT: Final = Outcome("cut", "The connection broke off here, so this may not be the whole answer.")
_BY_REASON: Final = {
    "length": Outcome("length", "The model stopped here because the answer reached its length limit."),
    "content_filter": Outcome("filtered", "The AI service ended the answer here because of its content rules."),
}


_UNFINISHED: Final = frozenset({"interrupted", "cut", "failed", "length", "limited", "unstored", "stopped", "timed"})
"""The names of those endings that leave something to be said."""


def controls_under(turn_id: int | None, ending: Outcome) -> AnswerButtons:
    """Say what can be done with an answer that ended so; nothing with one that isn't kept."""
    if turn_id is None:
        return NO_BUTTONS
    going_on = (Action.CONTINUE,) if ending.name in _UNFINISHED else ()
    return AnswerButtons((Action.REGENERATE, *going_on, Action.READ, Action.DELETE), turn_id)


def failed(error: ApiError) -> Outcome:
    """Tell how an answer ended whose stream raised an error midway."""
    return Outcome("filtered" if isinstance(error, ContentRefused) else "failed", render(error.message))


def stopped_by(reason: BotError) -> Outcome:
    """Tell how an answer ended that got no more tokens: at a limit, whose sentence says which, or without a store."""
    if isinstance(reason, QuotaExceeded):
        return Outcome("limited", render(reason.message))
    return Outcome("unstored", "I can't get at my memory right now, so I had to stop here.")


def ending_of(end: StreamEnd | None) -> Outcome:
    """Tell how a stream ended that raised no error."""
    if end is None or end.cut:
        return CUT
    return _BY_REASON.get(end.finish_reason or "", COMPLETE)


STOPPED: Final = Outcome("stopped", "I was asked to stop here.")
OUT_OF_TIME: Final = Outcome(
    "timed", "Discord gives me 14 minutes for an answer, so I had to stop here. `Continue` goes on."
)
DELETED: Final = Outcome("deleted")
_BY_HALT: Final = {CancelReason.STOPPED: STOPPED, CancelReason.OUT_OF_TIME: OUT_OF_TIME, CancelReason.DELETED: DELETED}

_BEFORE_A_WORD: Final = {
    CancelReason.STOPPED: "I was stopped before I had said anything.",
    CancelReason.OUT_OF_TIME: (
        "The model thought for 14 minutes without a word, and I can't wait longer. Please try again."
    ),
    CancelReason.DELETED: "What was there of the answer has been deleted.",
}


class AnswerCancelled(BotError):
    """An answer was ended before its first word."""

    def __init__(self, halt: CancelReason) -> None:
        super().__init__(f"halted: {halt.name}", message=plain(_BEFORE_A_WORD[halt]))


def halted_by(halt: CancelReason) -> Outcome:
    """Tell how an answer with words in it ended."""
    return _BY_HALT[halt]


async def unless_halted(
    cancellation: CancellationToken, work: Coroutine[Any, Any, None]
) -> CancelReason | None:  # Any: what it sends and is sent
    """Do `work` to its end, or until the cancellation is pulled: then it is cancelled, and this tells why."""
    if cancellation.reason is not None:
        work.close()
        return cancellation.reason
    working = asyncio.create_task(work)
    halting = asyncio.create_task(cancellation.wait())
    try:
        await asyncio.wait({working, halting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        halting.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    if working.cancelled():
        return cancellation.reason
    working.result()
    return None
