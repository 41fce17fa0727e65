"""Ends answers under way early: on request, from any process, and those whose time or place is gone."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Final

from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import StoreUnavailable
from bot.inflight.cancellation import CancelReason
from bot.inflight.request import InFlightRequest
from bot.store.inflight import InFlightAnswers

LOOK_EVERY_S: Final = 0.4
"""How long a request that came to another process may take to be heard."""

AGAIN_AFTER_S: Final = 5.0
"""How long it looks no more after a look that failed."""

LONGEST_S: Final = 14 * 60
"""An interaction can be answered for fifteen minutes: one is left for the last words."""

MOST_REMEMBERED: Final = 1000
"""Messages deleted last: one may be gone before the answer to the request that sent it has told its id."""

logger = logging.getLogger(__name__)


class CancellationWatcher:
    """The answers under way in this process, and what would end them."""

    def __init__(self, answers: InFlightAnswers, clock: Clock, *, process: str) -> None:
        self._answers = answers
        self._clock = clock
        self._process = process
        self._entries: dict[int, InFlightRequest] = {}
        self._since: dict[int, float] = {}
        """When each answer was entered, in monotonic seconds: the wall clock may be set meanwhile."""
        self._deleted: deque[int] = deque(maxlen=MOST_REMEMBERED)
        self._busy = asyncio.Event()

    def enter(self, entry: InFlightRequest) -> None:
        """Watch over an answer."""
        self._entries[entry.answer.id] = entry
        self._since[entry.answer.id] = self._clock.monotonic()
        self._busy.set()

    def leave(self, answer_id: int) -> None:
        """Let go of one that has ended."""
        self._entries.pop(answer_id, None)
        self._since.pop(answer_id, None)
        if not self._entries:
            self._busy.clear()

    async def stop(self, requester: RequestContext, answer_id: int) -> bool:
        """Have an answer in the requester's channel stopped, whichever process is at work on it; False where none is.

        Raises:
            NotOwner: it is another member's, and the requester may not manage messages there.
            StoreUnavailable: another process could not be told.
        """
        entry = self._entries.get(answer_id)
        if entry is None:
            there, member_id = await self._answers.in_channel(answer_id, requester.channel_id)
            if not there:
                return False
            requester.require_own(member_id)
            return await self._answers.ask_to_stop(answer_id, channel_id=requester.channel_id)
        if entry.answer.channel_id != requester.channel_id:
            return False
        requester.require_own(entry.answer.member_id)
        entry.brake.pull(CancelReason.STOPPED)
        return True

    def messages_deleted(self, message_ids: Iterable[int]) -> None:
        """End the answers that are shown in one of these messages, or would have been to one of them."""
        self._deleted.extend(message_ids)
        for entry in self._entries.values():
            self.look(entry)

    def look(self, entry: InFlightRequest) -> None:
        """End an answer if one of its messages has been deleted, or the one that asks before there was any."""
        if any(each in self._deleted for each in entry.message_ids or (entry.answer.id,)):
            entry.brake.pull(CancelReason.DELETED)

    def channel_deleted(self, channel_id: int) -> None:
        """End the answers in a channel or thread."""
        for entry in self._entries.values():
            if entry.answer.channel_id == channel_id:
                entry.brake.pull(CancelReason.DELETED)

    async def watch(self) -> None:
        """Look for ever for those that other processes were asked to stop, and those whose time is up."""
        while True:
            await self._busy.wait()
            await self._clock.sleep(LOOK_EVERY_S)
            if not self._entries:
                continue
            try:
                self._end_old()
                await self._stop_wanted()
            except StoreUnavailable:
                await self._clock.sleep(AGAIN_AFTER_S)  # logged where it happened
            except Exception:
                # Without these looks nobody could stop an answer any more: whatever went wrong, go on.
                logger.exception("looking for answers to stop failed")
                await self._clock.sleep(AGAIN_AFTER_S)

    def _end_old(self) -> None:
        oldest = self._clock.monotonic() - LONGEST_S
        for entry in self._entries.values():
            if entry.answer.token and self._since[entry.answer.id] <= oldest:
                entry.brake.pull(CancelReason.OUT_OF_TIME)

    async def _stop_wanted(self) -> None:
        for answer_id in await self._answers.to_stop(self._process):
            if (entry := self._entries.get(answer_id)) is not None:
                entry.brake.pull(CancelReason.STOPPED)
