"""Requests in flight and their cancellation tokens: how other tasks end an answer early."""

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from typing import Any

from bot.store.inflight import InFlightAnswer, Phase
from bot.tasks import cancel_and_wait, wait_for_first


class CancelReason(Enum):
    """Why an answer ends early."""

    STOPPED = auto()
    """A user who may do so asked for it."""

    OUT_OF_TIME = auto()
    """Discord would soon not show it any more."""

    DELETED = auto()
    """Its messages, or its channel, were deleted."""

    @property
    def is_by_user(self) -> bool:
        """Return whether a user caused it."""
        return self is not CancelReason.OUT_OF_TIME


class CancellationToken:
    """Cancels one answer, from any task. The first reason counts, but a deletion replaces it."""

    def __init__(self) -> None:
        self._cancelled = asyncio.Event()
        self.reason: CancelReason | None = None
        """Why it was cancelled; None while it is not."""

    def cancel(self, reason: CancelReason) -> None:
        """Have the answer end."""
        if self.reason is None or reason is CancelReason.DELETED:
            self.reason = reason
        self._cancelled.set()

    async def run(self, work: Coroutine[Any, Any, None]) -> CancelReason | None:  # Any: what it sends and is sent
        """Run `work` until it ends, or until the token is cancelled; return the reason then.

        Raises:
            Exception: what `work` raised.
        """
        if self.reason is not None:
            work.close()
            return self.reason
        working = asyncio.create_task(work)
        try:
            await wait_for_first(asyncio.wait({working}), self._cancelled.wait())
        finally:
            await cancel_and_wait(working)
        if working.cancelled():
            return self.reason
        working.result()
        return None


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
        self.interrupt: Callable[[], Coroutine[Any, Any, None]] = _do_nothing  # Any: a coroutine sends nothing
        """Ends the work at once, and shows that it was interrupted. Set by what runs the work."""
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


async def _do_nothing() -> None:
    """Interrupt work that has not begun."""
