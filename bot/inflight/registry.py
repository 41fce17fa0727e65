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
from bot.inflight.cancellation import InFlightRequest
from bot.inflight.cancellation_watcher import CancellationWatcher
from bot.liveness import ProcessLock
from bot.store.database import Database
from bot.store.inflight import InFlightAnswer, InFlightAnswers, Phase
from bot.store.processed_events import ProcessedEvents
from bot.tasks import BackgroundTasks, background_loop

LEASE_S: Final = 60
HEARTBEAT_INTERVAL_S: Final = 15
"""Three heartbeats may fail before a lease expires."""

CLAIM_RETENTION: Final = timedelta(days=1)
"""Long after Discord has given up delivering an event again."""

HEARTBEATS_PER_CLEANUP: Final = 40
"""Old claims are deleted every ten minutes."""

MAX_CLAIMS_IN_MEMORY: Final = 10_000
"""The oldest claims beyond this many are dropped."""

logger = logging.getLogger(__name__)

OnProcessDead = Callable[[str], Awaitable[None]]
"""Called with the name of a dead process, so that what it had reserved can be freed."""


class InFlightRegistry:
    """The requests that this process works on, and those that dead processes have left.

    Args:
        process: the name of this run of the program among all that use the database: a fresh random text.
        on_process_dead: called for each dead process once its requests are taken over.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        process: str,
        process_lock: ProcessLock,
        on_process_dead: OnProcessDead,
    ) -> None:
        self._claims = ProcessedEvents(database)
        self._answers = InFlightAnswers(database)
        self.watcher = CancellationWatcher(self._answers, clock, process=process)
        self._clock = clock
        self._process = process
        self._process_lock = process_lock
        self._on_process_dead = on_process_dead
        self._tasks = BackgroundTasks()
        self._heartbeats = 0
        self._finished: set[int] = set()
        self._claims_in_memory: FIFOCache[int, None] = FIFOCache(MAX_CLAIMS_IN_MEMORY)

    async def claim(self, event_id: int) -> bool:
        """Claim an event that is answered at once; return False if any process has claimed it already.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        return event_id not in self._claims_in_memory and await self._claims.claim(event_id, self._now_ms())

    async def claim_in_memory(self, event_id: int) -> bool:
        """Claim an event in memory only, when the store can't be written; return False if another process may have it.

        Raises:
            StoreUnavailable: the store cannot be read either.
        """
        if event_id in self._claims_in_memory or not await self._is_alone():
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
        claiming = self._claims.claim(event_id, self._now_ms(), self._answers.build_insert(answer, self._process))
        if not await self._tasks.run_shielded(
            claiming, undo=lambda claimed: self._delete_cancelled(event_id, claimed=claimed)
        ):
            return None
        request = InFlightRequest(answer, self._record, self._finish)
        self.watcher.add(request)
        return request

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the lease for as long as the block runs. Leave the block when all work has ended.

        Raises:
            StoreUnavailable: the store cannot be used at the start.
        """
        await self._renew_lease()
        try:
            async with (
                # Without heartbeats other processes would take this one for dead.
                background_loop(self._beat, HEARTBEAT_INTERVAL_S, self._clock, name="in-flight heartbeat"),
                self.watcher.running(),
            ):
                yield
        finally:
            await self._tasks.drain()
            try:
                await self._delete_finished()
                await self._answers.delete_process(self._process)
            except StoreUnavailable as error:
                logger.warning("lease not released", extra={"detail": str(error)})

    async def take_over_dead_processes(self) -> list[InFlightAnswer]:
        """Take over and return the requests of dead processes; notify their users, then call `finish`.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        taken_over: list[InFlightAnswer] = []
        for process, lease_until_ms in (await self._answers.list_leases()).items():
            if process == self._process or not self._is_dead(process, lease_until_ms):
                continue
            try:
                left = await self._answers.take_over(process, self._process)
            except StoreUnavailable:
                if not taken_over:
                    raise
                return taken_over  # the next call finds the others
            self._process_lock.remove_lock(process)
            logger.info("dead process taken over", extra={"dead_process": process, "answers": len(left)})
            taken_over += left
            try:
                await self._on_process_dead(process)
            except StoreUnavailable as error:
                # The requests are this process's own by now: no other would notify their users.
                logger.warning("reservations of a dead process not freed yet", extra={"detail": str(error)})
        return taken_over

    async def finish(self, answer_id: int) -> None:
        """Delete a request that was taken over, once its user is notified."""
        await asyncio.wait({self._finish(answer_id)})

    def _is_dead(self, process: str, lease_until_ms: int) -> bool:
        alive = self._process_lock.is_alive(process)
        if alive is not None:
            return not alive
        return self._clock.agrees_with_discord() and lease_until_ms <= self._now_ms()

    async def _is_alone(self) -> bool:
        """Return whether this is the only process on the database, as far as that can be known."""
        if not self._process_lock.is_alone():
            return False
        known = await self._answers.list_leases()
        return all(name == self._process or self._is_dead(name, until_ms) for name, until_ms in known.items())

    async def _beat(self) -> None:
        """Renew the lease, retry failed deletions and delete old claims."""
        self._heartbeats += 1
        await self._renew_lease()
        await self._delete_finished()
        if self._heartbeats % HEARTBEATS_PER_CLEANUP == 0:
            await self._delete_old_claims()

    async def _renew_lease(self) -> None:
        await self._answers.renew_lease(self._process, unix_ms(self._clock.discord_now() + timedelta(seconds=LEASE_S)))

    async def _delete_old_claims(self) -> None:
        if not self._clock.agrees_with_discord():
            return
        before_ms = unix_ms(self._clock.discord_now() - CLAIM_RETENTION)
        while await self._claims.delete_older_than(before_ms):
            pass  # other writes get through between two batches

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
