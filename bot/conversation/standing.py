"""Where in the conversation a question stands: what it may know of, and what it goes on from."""

from bot.context import RequestContext
from bot.conversation.question import Question
from bot.errors import TurnNotFound
from bot.store.conversations import Conversations
from bot.store.turns import Turn

Before = tuple[list[Turn], tuple[int, ...]]
"""The turns that may go along with a question, oldest first, and the ids of those at whose end it will stand."""


class Standing:
    """Finds the turns before a question, at most `reach` of them."""

    def __init__(self, conversations: Conversations, reach: int) -> None:
        self._conversations = conversations
        self._reach = reach

    async def before(self, caller: RequestContext, question: Question) -> Before:
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
            turn_id = await self._conversations.turn_shown_in(question.reply_to, caller.channel_id)
            if turn_id is not None:
                path = await self._conversations.path(turn_id, max(self._reach, 1))
                return path if self._reach else [], _ids(path)
        if question.private:
            return await self._conversations.private_line(caller.channel_id, caller.user_id, self._reach), ()
        return await self._conversations.public_line(caller.channel_id, self._reach), ()

    async def _back_to(self, first: Turn, needed: int) -> Before:
        """Give what was known to the turn that a question comes back to, and where that one is `needed`, it as well."""
        known = await self._conversations.path(first.id, self._reach + 1)
        if not known or known[-1].id != first.id:
            raise TurnNotFound(f"turn {first.id}")
        path = known[: len(known) - 1 + needed]
        return path if self._reach else path[len(path) - needed :], _ids(path)


def _ids(turns: list[Turn]) -> tuple[int, ...]:
    return tuple(turn.id for turn in turns)
