"""One in-flight request, as the work on it sees it: record what is shown, and in the end that it is finished."""

import asyncio
from collections.abc import Callable
from typing import Any

from bot.inflight.cancellation import CancellationToken
from bot.store.inflight import InFlightAnswer, Phase

Record = Callable[["InFlightRequest"], asyncio.Task[Any]]  # Any: their results are of no use.
Finish = Callable[[int], asyncio.Task[Any]]


class InFlightRequest:
    """The recorded state of one request. Made by `InFlightRegistry.register`.

    Only `mark_final` and `wait_recorded` wait for the store; the rest is written in the background, in order. After a
    crash, another process knows from it whether what is shown is unfinished. The work must obey `cancellation`.
    """

    def __init__(self, answer: InFlightAnswer, record: Record, finish: Finish) -> None:
        self.answer = answer
        self.cancellation = CancellationToken()
        self.message_ids: tuple[int, ...] = ()
        self.phase = Phase.THINKING
        self.final_message_count: int | None = None
        self._recording: asyncio.Task[Any] | None = None
        self._record = record
        self._finish = finish

    def set_phase(self, phase: Phase, message_ids: tuple[int, ...] | None = None) -> None:
        """Record what is shown from now on, and in which messages (None: the same as before)."""
        ids = self.message_ids if message_ids is None else message_ids
        if (ids, phase) != (self.message_ids, self.phase):
            self.message_ids, self.phase = ids, phase
            self._recording = self._record(self)

    async def wait_recorded(self) -> None:
        """Wait until the newest state is written, or the write has failed."""
        if self._recording is not None:
            await asyncio.wait({self._recording})

    async def mark_final(self, message_count: int) -> None:
        """Record that final messages are shown from now on, and how many the answer comes to."""
        self.final_message_count = message_count
        self._recording = self._record(self)
        await self.wait_recorded()

    def finish(self) -> None:
        """Record that everything is shown: nothing is left to do."""
        self._finish(self.answer.id)
