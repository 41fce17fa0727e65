"""Coming back to an answer that was given before: who may, and what is still known of it."""

import logging

from bot.context import RequestContext
from bot.errors import TurnNotFound
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from bot.store.turns import Turn

log = logging.getLogger(__name__)


class Revisits:
    """Kept turns by their ids. Every method may raise StoreUnavailable."""

    def __init__(self, archive: TurnReader, removals: TurnDeletion) -> None:
        self._archive = archive
        self._removals = removals

    async def turn(self, caller: RequestContext, turn_id: int) -> Turn:
        """Give a turn to do something with.

        Raises:
            TurnNotFound: there is none any more.
            NotOwner: the caller neither asked nor may manage messages here.
        """
        turn = await self._archive.turn(turn_id)
        if turn is None or turn.channel_id != caller.channel_id:
            raise TurnNotFound(f"turn {turn_id}")
        if turn.private and turn.author_id != caller.user_id:
            raise TurnNotFound(f"turn {turn_id}, private")
        caller.require_own(turn.author_id)
        return turn

    async def forget(self, turn: Turn) -> None:
        """Take a turn out of the history, and see that nothing more is kept of its messages."""
        await self._removals.of_turn(turn.id, turn.answer_message_ids)
        log.info("a turn deleted by its button", extra={"turn": turn.id, "channel": turn.channel_id})
