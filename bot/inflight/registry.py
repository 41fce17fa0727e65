"""Registry of in-flight requests in the database: no event is answered twice, and no crash goes unnoticed.

A row is created when an event is claimed and deleted when its answer is finished. Rows of a process that crashed are
taken over by another process, which marks their answers as interrupted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from cachetools import FIFOCache

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.inflight.cancellation import CancellationWatcher, InFlightRequest
from bot.process_lease import ProcessLease
from bot.store.database import Database
from bot.store.inflight import InFlightAnswer, InFlightAnswers, Phase
from bot.tasks import BackgroundTasks

CLAIM_RETENTION: Final = timedelta(days=1)
"""Long after Discord has given up delivering an event again."""

MAX_CLAIMS_IN_MEMORY: Final = 10_000
"""The oldest claims beyond this many are dropped."""

logger = logging.getLogger(__name__)

FreeReservations = Callable[[str], Awaitable[None]]
"""Frees what a dead process has reserved. May raise StoreUnavailable."""


class InFlightRegistry:
    """The requests that this process works on, and those that dead processes have left."""

    def __init__(
        self, database: Database, clock: Clock, *, lease: ProcessLease, free_reservations: FreeReservations
    ) -> None:
        self._answers = InFlightAnswers(database)
        self.watcher = CancellationWatcher(self._answers, clock, process=lease)
        self._clock = clock
        self._lease = lease
        self._free_reservations = free_reservations
        self._tasks = BackgroundTasks()
        self._finished: set[int] = set()
        self._claims_in_memory: FIFOCache[int, None] = FIFOCache(MAX_CLAIMS_IN_MEMORY)

    async def claim(self, event_id: int) -> bool:
        """Claim an event that is answered at once; return False if any process has claimed it already.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        return event_id not in self._claims_in_memory and await self._answers.claim(event_id, self._now_ms())

    async def claim_in_memory(self, event_id: int) -> bool:
        """Claim an event in memory only, when the store can't be written; return False if another process may have it.

        Raises:
            StoreUnavailable: the store cannot be read either.
        """
        if event_id in self._claims_in_memory or not await self._lease.is_alone():
            return False
        self._claims_in_memory[event_id] = None
        return True

    async def register(
        self, event_id: int, *, application_id: int, token: str, channel_id: int, member_id: int
    ) -> InFlightRequest | None:
        """Claim an event whose answer takes some time, and record it; return None if any process has claimed it.

        `InFlightRequest.finish` deletes the record. If the caller is cancelled meanwhile, it is deleted at once.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        if event_id in self._claims_in_memory:
            return None
        answer = InFlightAnswer(event_id, application_id, token, channel_id, self._now_ms(), member_id=member_id)
        process = self._lease.name
        if not await self._tasks.run_shielded(
            self._answers.insert(answer, process),
            undo=lambda claimed: self._delete_cancelled(event_id, claimed=claimed),
        ):
            return None
        if process != self._lease.name:
            # Declared dead meanwhile: others may have the row already, and would mark what is answered here.
            await self._finish(event_id)
            raise StoreUnavailable("declared dead while the event was claimed")
        request = InFlightRequest(answer, self._record, self._finish)
        self.watcher.add(request)
        return request

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the requests for as long as the block runs. Leave it when all work has ended, before the lease does."""
        try:
            async with self.watcher.running():
                yield
        finally:
            await self._tasks.drain()
            await self._try_to_delete_finished()

    async def take_over_dead_processes(self) -> list[InFlightAnswer]:
        """Take over and return the requests of dead processes; notify their users, then call `finish`.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        taken_over: list[InFlightAnswer] = []
        for process in await self._lease.declare_dead():
            try:
                taken_over += await self._take_over(process)
            except StoreUnavailable:
                if not taken_over:
                    raise
                break  # the next call finds the others
        return taken_over

    async def on_heartbeat(self) -> None:
        """Delete what could not be deleted before.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        await self._delete_finished()

    async def on_declared_dead(self, former: str) -> None:
        """End the answers of this process as interrupted, as the process that takes it over shows them.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        for request in self.watcher.list_requests():
            self._tasks.start(request.interrupt())
        # No other process marks from now on what is marked here.
        await self._take_over(former)

    async def delete_old(self) -> None:
        """Delete old claims, while the clock is known to be right.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        if not self._clock.agrees_with_discord():
            return
        before_ms = unix_ms(self._clock.discord_now() - CLAIM_RETENTION)
        while await self._answers.delete_claims_before(before_ms):
            pass  # other writes get through between two batches

    async def finish(self, answer_id: int) -> None:
        """Delete a request that was taken over, once its user is notified."""
        await asyncio.wait({self._finish(answer_id)})

    async def _take_over(self, process: str) -> list[InFlightAnswer]:
        left = await self._answers.take_over(process, self._lease.name)
        logger.info("dead process taken over", extra={"dead_process": process, "answers": len(left)})
        try:
            await self._free_reservations(process)
            await self._lease.delete(process)
        except StoreUnavailable as error:
            # The requests are this process's own by now: no other would notify their users. The rest is found again.
            logger.warning("dead process not deleted yet", extra={"detail": str(error)})
        return left

    def _record(self, request: InFlightRequest) -> asyncio.Task[Any]:
        """Write a request's state. Started at once and in order; the caller may wait for it."""
        self.watcher.check(request)
        state = (request.answer.id, request.message_ids, request.phase, request.final_message_count)
        return self._tasks.start(self._write(*state))

    async def _write(
        self, answer_id: int, message_ids: tuple[int, ...], phase: Phase, final_message_count: int | None
    ) -> None:
        try:
            await self._answers.record_messages(
                answer_id, message_ids, phase=phase, final_message_count=final_message_count
            )
        except StoreUnavailable as error:
            # Needed only if the process dies now: the answer itself goes on.
            logger.warning("in-flight state not written", extra={"answer": answer_id, "detail": str(error)})

    def _finish(self, answer_id: int) -> asyncio.Task[Any]:
        """Delete a request; if that fails now, the next heartbeat does it."""
        self.watcher.remove(answer_id)
        self._finished.add(answer_id)
        return self._tasks.start(self._try_to_delete_finished())

    async def _try_to_delete_finished(self) -> None:
        try:
            await self._delete_finished()
        except StoreUnavailable as error:
            logger.warning("finished requests not deleted yet", extra={"detail": str(error)})

    async def _delete_finished(self) -> None:
        finished = sorted(self._finished)
        if finished:
            await self._answers.delete(finished)
            self._finished.difference_update(finished)

    async def _delete_cancelled(self, answer_id: int, *, claimed: bool) -> None:
        """Delete a request whose record is written after its caller was cancelled."""
        if claimed:
            await self._finish(answer_id)

    def _now_ms(self) -> int:
        return unix_ms(self._clock.discord_now())
