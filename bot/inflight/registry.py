"""The roster of answers under way: nothing is answered twice, and nothing that died is left looking alive.

Each answer is written down when its event is claimed and struck off when it has ended. A process that dies strikes
nothing off; what it was at work on is adopted by the next one, which tells those who wait.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.inflight.cancellation_watcher import CancellationWatcher
from bot.inflight.request import InFlightRequest
from bot.liveness import ProcessLock
from bot.store.database import Database
from bot.store.inflight import InFlightAnswer, InFlightAnswers, Phase
from bot.store.processed_events import ProcessedEvents

LEASE_S: Final = 60
RENEW_EVERY_S: Final = 15
"""Three renewals may fail before a lease runs out."""

CLAIMS_KEPT: Final = timedelta(days=1)
"""Long after Discord has given up delivering an event again."""

BEATS_PER_SWEEP: Final = 40
"""Old claims are swept every ten minutes."""

MOST_UNWRITTEN: Final = 10_000
"""Events claimed in memory alone that are remembered."""

logger = logging.getLogger(__name__)

Bury = Callable[[str], Awaitable[None]]
"""Told of a process that is dead, so that others may give back what it held."""


class InFlightRegistry:
    """What this process is at work on, and what dead ones were.

    Args:
        process: names this run of the program among all that use the database: a fresh random text.
        bury: told of each dead process once its answers are adopted.
    """

    def __init__(self, database: Database, clock: Clock, *, process: str, lifeline: ProcessLock, bury: Bury) -> None:
        self._claims = ProcessedEvents(database)
        self._answers = InFlightAnswers(database)
        self.halting = CancellationWatcher(self._answers, clock, process=process)
        self._clock = clock
        self._process = process
        self._lifeline = lifeline
        self._bury = bury
        self._tasks: set[asyncio.Task[Any]] = set()  # Any: none of their results is used from here.
        self._ended: set[int] = set()
        self._unwritten: dict[int, None] = {}

    async def claim(self, event_id: int) -> bool:
        """Claim an event that is answered at once; False where it is being answered already, here or elsewhere.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        return event_id not in self._unwritten and await self._claims.take(event_id, self._now_ms())

    async def claim_unwritten(self, event_id: int) -> bool:
        """Claim an event in memory alone, as the store can't be written; False where another process may have it.

        Raises:
            StoreUnavailable: the store cannot be read either.
        """
        if event_id in self._unwritten or not await self._is_alone():
            return False
        self._unwritten[event_id] = None
        while len(self._unwritten) > MOST_UNWRITTEN:
            del self._unwritten[next(iter(self._unwritten))]
        return True

    async def admit(
        self, event_id: int, *, application_id: int, token: str, channel_id: int, member_id: int
    ) -> InFlightRequest | None:
        """Claim an interaction whose answer takes its time, and write it down; None where somebody else has it.

        `InFlightRequest.end` strikes it off. Where the caller is cancelled meanwhile it is struck off by itself.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        if event_id in self._unwritten:
            return None
        answer = InFlightAnswer(event_id, application_id, token, channel_id, self._now_ms(), member_id=member_id)
        taking = self._own(self._claims.take(event_id, self._now_ms(), self._answers.opening(answer, self._process)))
        try:
            await asyncio.wait({taking})
        except asyncio.CancelledError:
            self._own(self._undo(taking, event_id))
            raise
        if not taking.result():
            return None
        entry = InFlightRequest(answer, self._note, self._end)
        self.halting.enter(entry)
        return entry

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be known as alive for as long as the block runs. Leave it when all work has ended.

        Raises:
            StoreUnavailable: the store cannot be used at the start.
        """
        await self._renew()
        beating = asyncio.create_task(self._beat(), name="roster beat")
        watching = asyncio.create_task(self.halting.watch(), name="halting")
        try:
            yield
        finally:
            beating.cancel()
            watching.cancel()
            await asyncio.wait({beating, watching})
            while self._tasks:
                await asyncio.wait(self._tasks)
            try:
                await self._strike_off()
                await self._answers.leave(self._process)
            except StoreUnavailable as error:
                logger.warning("roster not left in order", extra={"detail": str(error)})

    async def adopt(self) -> list[InFlightAnswer]:
        """Take over what dead processes left under way; the caller tells those who wait and then calls `finish`.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        adopted: list[InFlightAnswer] = []
        for process, lease_until_ms in (await self._answers.processes()).items():
            if process == self._process or not self._is_dead(process, lease_until_ms):
                continue
            try:
                left = await self._answers.adopt(process, self._process)
            except StoreUnavailable:
                if not adopted:
                    raise
                return adopted  # the next call finds the others
            self._lifeline.bury(process)
            logger.info("a process is gone", extra={"gone": process, "answers": len(left)})
            adopted += left
            try:
                await self._bury(process)
            except StoreUnavailable as error:
                # They are this process's own by now: nobody else would tell those who wait.
                logger.warning("what a dead process held not given back yet", extra={"detail": str(error)})
        return adopted

    async def finish(self, answer_id: int) -> None:
        """Strike off an adopted answer, whose people have been told."""
        await asyncio.wait({self._end(answer_id)})

    def _is_dead(self, process: str, lease_until_ms: int) -> bool:
        alive = self._lifeline.is_alive(process)
        if alive is not None:
            return not alive
        return self._clock.agrees_with_discord() and lease_until_ms <= self._now_ms()

    async def _is_alone(self) -> bool:
        """Return whether this is the only process on the database, as far as any of them can be known."""
        if not self._lifeline.is_alone():
            return False
        known = await self._answers.processes()
        return all(name == self._process or self._is_dead(name, until_ms) for name, until_ms in known.items())

    async def _beat(self) -> None:
        """Renew the lease, strike off what could not be before and forget old claims, for ever."""
        beat = 0
        while True:
            await self._clock.sleep(RENEW_EVERY_S)
            beat += 1
            try:
                await self._renew()
                await self._strike_off()
                if beat % BEATS_PER_SWEEP == 0:
                    await self._forget_claims()
            except StoreUnavailable as error:
                logger.warning("roster beat missed", extra={"detail": str(error)})
            except Exception:
                # Without the beat this process would pass for dead: whatever went wrong, go on.
                logger.exception("roster beat failed")

    async def _renew(self) -> None:
        await self._answers.lease(self._process, unix_ms(self._clock.discord_now() + timedelta(seconds=LEASE_S)))

    async def _forget_claims(self) -> None:
        if not self._clock.agrees_with_discord():
            return
        before_ms = unix_ms(self._clock.discord_now() - CLAIMS_KEPT)
        while await self._claims.forget(before_ms):
            pass  # others write between two batches

    def _note(self, entry: InFlightRequest) -> asyncio.Task[Any]:
        """Write down what an entry says by now. Begun at once and in order; waiting for it is up to the caller."""
        self.halting.look(entry)
        state = (entry.answer.id, entry.message_ids, entry.shows, entry.messages)
        return self._own(self._write_note(*state))

    async def _write_note(
        self, answer_id: int, message_ids: tuple[int, ...], shows: Phase, messages: int | None
    ) -> None:
        try:
            await self._answers.note(answer_id, message_ids, shows=shows, messages=messages)
        except StoreUnavailable as error:
            # Needed only if the process dies now: the answer itself goes on.
            logger.warning("running answer not noted", extra={"answer": answer_id, "detail": str(error)})

    def _end(self, answer_id: int) -> asyncio.Task[Any]:
        """Strike an answer off; where that fails now, with the next beat."""
        self.halting.leave(answer_id)
        self._ended.add(answer_id)
        return self._own(self._try_to_strike_off())

    async def _try_to_strike_off(self) -> None:
        try:
            await self._strike_off()
        except StoreUnavailable as error:
            logger.warning("ended answers not struck off yet", extra={"detail": str(error)})

    async def _strike_off(self) -> None:
        ended = sorted(self._ended)
        if ended:
            await self._answers.close(ended)
            self._ended.difference_update(ended)

    async def _undo(self, taking: asyncio.Task[bool], answer_id: int) -> None:
        """Strike off what comes to be written down after its caller was cancelled."""
        try:
            taken = await taking
        except StoreUnavailable:
            return  # logged where it happened; nothing was written
        if taken:
            await self._end(answer_id)

    def _own(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:  # Any: see `_tasks`
        """Start a task that nobody outside can cancel; `running` waits for it at the end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _now_ms(self) -> int:
        return unix_ms(self._clock.discord_now())
