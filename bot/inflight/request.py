"""One answer on the roster, as the work on it sees it: say what shows, and in the end that it is done."""

import asyncio
from collections.abc import Callable
from typing import Any

from bot.inflight.cancellation import CancellationToken
from bot.store.inflight import InFlightAnswer, Phase

Note = Callable[["InFlightRequest"], asyncio.Task[Any]]  # Any: their results are of no use.
End = Callable[[int], asyncio.Task[Any]]


class InFlightRequest:
    """What is known of one answer under way. Made by `Roster.admit`.

    Only `closing` and `written` wait for the store; the rest is written in the background, in order. Whoever comes
    after a death in mid-answer tells from it whether what shows is unfinished. Whoever works on it heeds its `brake`.
    """

    def __init__(self, answer: InFlightAnswer, note: Note, end: End) -> None:
        self.answer = answer
        self.brake = CancellationToken()
        self.message_ids: tuple[int, ...] = ()
        self.shows = Phase.THINKING
        self.messages: int | None = None
        self._noting: asyncio.Task[Any] | None = None
        self._note = note
        self._end = end

    def show(self, shows: Phase, message_ids: tuple[int, ...] | None = None) -> None:
        """Say what shows by now, and in which messages (None: the same as before)."""
        ids = self.message_ids if message_ids is None else message_ids
        if (ids, shows) != (self.message_ids, self.shows):
            self.message_ids, self.shows = ids, shows
            self._noting = self._note(self)

    async def written(self) -> None:
        """Wait until what was said last is written down, or could not be."""
        if self._noting is not None:
            await asyncio.wait({self._noting})

    async def closing(self, messages: int) -> None:
        """Say that from here on last words are shown, and how many messages the answer comes to."""
        self.messages = messages
        self._noting = self._note(self)
        await self.written()

    def end(self) -> None:
        """Say that everything is shown and nothing more will be."""
        self._end(self.answer.id)
