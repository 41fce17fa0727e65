"""Which earlier turns go along with a question."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.context import RequestContext
from bot.conversation.prompt import estimate_message
from bot.conversation.question import Question
from bot.errors import TurnNotFound
from bot.store.conversations import Conversations
from bot.store.turns import Turn


@dataclass(frozen=True, slots=True)
class SelectedHistory:
    """What a question is asked with: the turns that go along, oldest first, and a word on those that don't."""

    turns: tuple[Turn, ...] = ()
    omission: str | None = None


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """The bounds of what is sent along: at most so many turns and estimated tokens; with no turns memory is off."""

    turns: int
    tokens: int

    @property
    def reach(self) -> int:
        """How many turns `fit` needs to be given: one more than go along tells that there are more."""
        return self.turns + 1 if self.turns else 0

    def fit(self, line: Sequence[Turn], needed: int = 0) -> SelectedHistory:
        """Give the newest turns of `line` that fit, and `needed` of them in any case.

        Without gaps: the first turn that doesn't fit hides everything before it, since an answer to a question that is
        missing confuses more than it tells.
        """
        if not self.turns or not self.tokens:
            return SelectedHistory(tuple(line[len(line) - needed :]))
        kept = _newest_within(self.tokens, line[-self.turns :], needed)
        return SelectedHistory(kept, None if len(kept) == len(line) else _beyond_window(len(kept)))


def shortened(view: SelectedHistory, tokens: int, needed: int = 0) -> SelectedHistory:
    """Leave out as many of the oldest turns, at least one, as are too much for a model: what stays fits `tokens`.

    The newest `needed` stay in any case.
    """
    kept = _newest_within(tokens, view.turns[1:], needed)
    return SelectedHistory(kept, _beyond_model(len(view.turns) - len(kept), len(view.turns)))


def _newest_within(tokens: int, turns: Sequence[Turn], needed: int) -> tuple[Turn, ...]:
    first = len(turns)
    for turn in reversed(turns):
        tokens -= tokens_of(turn)
        if tokens < 0 and len(turns) - first >= needed:
            break
        first -= 1
    return tuple(turns[first:])


def tokens_of(turn: Turn) -> int:
    """Estimate the tokens that a turn takes in a request."""
    return estimate_message(turn.question) + estimate_message(turn.answer)


def _beyond_window(kept: int) -> str:
    if not kept:
        return "What was said here before didn't fit, so I answered without it."
    what = "the last question and answer" if kept == 1 else f"the last {kept} questions and answers"
    return f"I had only {what} in view here; what was said before that didn't fit."


def _beyond_model(dropped: int, of: int) -> str:
    if of == 1:
        return "That was more than this model reads at once, so I answered without the 1 earlier question and answer."
    what = f"all {of}" if dropped == of else f"the oldest {dropped} of {of}"
    return f"That was more than this model reads at once, so I left out {what} earlier questions and answers."


Before = tuple[list[Turn], tuple[int, ...]]
"""The turns that may go along with a question, oldest first, and the ids of those at whose end it will stand."""


class HistorySelector:
    """Finds the turns before a question, at most `reach` of them."""

    def __init__(self, conversations: Conversations, reach: int) -> None:
        self._conversations = conversations
        self._reach = reach

    async def before(self, requester: RequestContext, question: Question) -> Before:
        """Give a reply's path and its ids, else the channel's public line or the member's private one, without ids.

        Raises:
            TurnNotFound: the turn that the question comes back to is not kept any more.
            StoreUnavailable: they cannot be read just now.
        """
        if question.fresh:
            return [], ()
        if question.first is not None:
            return await self._back_to(question.first, question.needed)
        if question.reply_to is not None:
            turn_id = await self._conversations.find_turn_of_message(question.reply_to, requester.channel_id)
            if turn_id is not None:
                path = await self._conversations.get_ancestors(turn_id, max(self._reach, 1))
                return path if self._reach else [], _ids(path)
        if question.private:
            return await self._conversations.get_private_history(
                requester.channel_id, requester.user_id, self._reach
            ), ()
        return await self._conversations.get_public_history(requester.channel_id, self._reach), ()

    async def _back_to(self, first: Turn, needed: int) -> Before:
        """Give what was known to the turn that a question comes back to, and where that one is `needed`, it as well."""
        known = await self._conversations.get_ancestors(first.id, self._reach + 1)
        if not known or known[-1].id != first.id:
            raise TurnNotFound(f"turn {first.id}")
        path = known[: len(known) - 1 + needed]
        return path if self._reach else path[len(path) - needed :], _ids(path)


def _ids(turns: list[Turn]) -> tuple[int, ...]:
    return tuple(turn.id for turn in turns)
