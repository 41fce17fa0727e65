"""Requests in flight, their cancellation tokens, and what cancels them.

A user's request, from any process; the end of their time; or the deletion of their messages.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto
from typing import Any, Final

from cachetools import FIFOCache

from bot.clock import Clock
from bot.context import RequestContext
from bot.process_lease import ProcessLease
from bot.store.inflight import InFlightAnswer, InFlightAnswers, Phase
from bot.tasks import background_loop, cancel_and_wait, wait_for_first

POLL_INTERVAL_S: Final = 0.4
"""How long a cancellation that was requested from another process may take."""

RETRY_AFTER_S: Final = 5.0
"""The pause after a poll that failed."""

MAX_DURATION_S: Final = 14 * 60
"""An interaction's token is valid for 15 minutes: one is left to finish the answer. A wait in the queue counts."""

MAX_DELETED_IDS: Final = 1000
"""Messages deleted last: one may be deleted before the response to the request that sent it has brought its id."""


class CancelReason(Enum):
    """Why an answer ends early."""

    STOPPED = auto()
    """A user who may do so asked for it."""

    OUT_OF_TIME = auto()
    """Discord would soon not show it any more. Answers to messages have no such limit."""

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
    crash, another process knows from it whether what is shown is unfinished. Answers obey `cancellation`; images
    and speech run to their end.
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


class CancellationWatcher:
    """The requests that this process works on, and what cancels them."""

    def __init__(self, answers: InFlightAnswers, clock: Clock, *, process: ProcessLease) -> None:
        self._answers = answers
        self._clock = clock
        self._process = process
        self._requests: dict[int, InFlightRequest] = {}
        self._started_s: dict[int, float] = {}
        """When each request was added, in monotonic seconds: the wall clock may be set meanwhile."""
        self._deleted_ids: FIFOCache[int, None] = FIFOCache(MAX_DELETED_IDS)
        self._has_requests = asyncio.Event()

    def add(self, request: InFlightRequest) -> None:
        """Watch a request from now on."""
        self._requests[request.answer.id] = request
        self._started_s[request.answer.id] = self._clock.monotonic()
        self._has_requests.set()

    def remove(self, answer_id: int) -> None:
        """Watch a request no longer: it is finished."""
        self._requests.pop(answer_id, None)
        self._started_s.pop(answer_id, None)
        if not self._requests:
            self._has_requests.clear()

    def list_requests(self) -> list[InFlightRequest]:
        """Return the requests that this process works on."""
        return list(self._requests.values())

    async def stop(self, requester: RequestContext, answer_id: int) -> bool:
        """Stop an answer in the requester's channel, whichever process works on it; return False if none does.

        Raises:
            NotOwner: it is another member's, and the requester may not manage messages there.
            StoreUnavailable: the request to another process could not be written.
        """
        request = self._requests.get(answer_id)
        if request is None:
            found, member_id = await self._answers.find_in_channel(answer_id, requester.channel_id)
            if not found:
                return False
            requester.require_own(member_id)
            return await self._answers.request_cancel(answer_id, channel_id=requester.channel_id)
        if request.answer.channel_id != requester.channel_id:
            return False
        requester.require_own(request.answer.member_id)
        request.cancellation.cancel(CancelReason.STOPPED)
        return True

    def on_messages_deleted(self, message_ids: Iterable[int]) -> None:
        """Cancel the requests that are answered in one of these messages, or that one of them asked."""
        self._deleted_ids.update(dict.fromkeys(message_ids))
        for request in self._requests.values():
            self.check(request)

    def check(self, request: InFlightRequest) -> None:
        """Cancel a request if one of its messages was deleted, or the question's before there was an answer."""
        if any(each in self._deleted_ids for each in request.message_ids or (request.answer.id,)):
            request.cancellation.cancel(CancelReason.DELETED)

    def on_channel_deleted(self, channel_id: int) -> None:
        """Cancel the requests in a channel or thread."""
        for request in self._requests.values():
            if request.answer.channel_id == channel_id:
                request.cancellation.cancel(CancelReason.DELETED)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Poll, while the block runs, for requests to stop that other processes received, and for those out of time."""
        return background_loop(self._poll, 0, self._clock, name="cancellation poll", retry_s=RETRY_AFTER_S)

    async def _poll(self) -> None:
        """Poll once, a moment after there are requests."""
        await self._has_requests.wait()
        await self._clock.sleep(POLL_INTERVAL_S)
        if self._requests:
            self._cancel_out_of_time()
            await self._cancel_stopped()

    def _cancel_out_of_time(self) -> None:
        oldest_s = self._clock.monotonic() - MAX_DURATION_S
        for request in self._requests.values():
            if request.answer.token and self._started_s[request.answer.id] <= oldest_s:
                request.cancellation.cancel(CancelReason.OUT_OF_TIME)

    async def _cancel_stopped(self) -> None:
        for answer_id in await self._answers.list_cancel_requested(self._process.name):
            if (request := self._requests.get(answer_id)) is not None:
                request.cancellation.cancel(CancelReason.STOPPED)
