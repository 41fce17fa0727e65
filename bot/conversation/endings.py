"""How an answer with words in it can end, what is said below it, and what can be done with it then."""

from dataclasses import dataclass
from typing import Final

from bot.api.chat_types import StreamEnd
from bot.errors import ApiError, BotError, ContentRefused, QuotaExceeded
from bot.streaming.answer_buttons import NONE, Action, AnswerButtons


@dataclass(frozen=True, slots=True)
class Ending:
    """An ending: its name in the store and the log, and the sentence that stands below the answer, if any."""

    name: str
    note: str | None = None


COMPLETE: Final = Ending("complete")
INTERRUPTED: Final = Ending("interrupted", "I was interrupted here, so this is not the whole answer.")
CUT: Final = Ending("cut", "The connection broke off here, so this may not be the whole answer.")
_BY_REASON: Final = {
    "length": Ending("length", "The model stopped here because the answer reached its length limit."),
    "content_filter": Ending("filtered", "The AI service ended the answer here because of its content rules."),
}


_UNFINISHED: Final = frozenset({"interrupted", "cut", "failed", "length", "limited", "unstored", "stopped", "timed"})
"""The names of those endings that leave something to be said."""


def controls_under(turn_id: int | None, ending: Ending) -> AnswerButtons:
    """Say what can be done with an answer that ended so; nothing with one that isn't kept."""
    if turn_id is None:
        return NONE
    going_on = (Action.CONTINUE,) if ending.name in _UNFINISHED else ()
    return AnswerButtons((Action.REGENERATE, *going_on, Action.READ, Action.DELETE), turn_id)


def failed(error: ApiError) -> Ending:
    """Tell how an answer ended whose stream raised an error midway."""
    return Ending("filtered" if isinstance(error, ContentRefused) else "failed", error.sentence)


def stopped_by(reason: BotError) -> Ending:
    """Tell how an answer ended that got no more tokens: at a limit, whose sentence says which, or without a store."""
    if isinstance(reason, QuotaExceeded):
        return Ending("limited", reason.sentence)
    return Ending("unstored", "I can't get at my memory right now, so I had to stop here.")


def ending_of(end: StreamEnd | None) -> Ending:
    """Tell how a stream ended that raised no error."""
    if end is None or end.cut:
        return CUT
    return _BY_REASON.get(end.finish_reason or "", COMPLETE)
