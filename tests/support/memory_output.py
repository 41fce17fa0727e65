"""An output that keeps its messages in memory, takes its time as told, and notes every rule broken by its user."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain, count, repeat
from typing import Any

from bot.discord_ui.rate_limit_buckets import FairEditScheduler
from bot.inflight.cancellation import CancellationToken, CancelReason
from bot.messages.message import Message
from bot.messages.render import render
from bot.streaming.output import NO_BUTTONS, AnswerButtons, OutputDeleted
from tests.support.clock import FakeClock

LIMIT = 2000


@dataclass(frozen=True)
class Edit:
    """One call: when it started and ended, which message it changed to what, and whether it was applied."""

    started: float
    ended: float
    index: int
    text: str
    file: bytes | None
    applied: bool
    left_before: int | None


class MemoryBucket:
    """A bucket of `size` requests that is full again `window` seconds after its first one, as Discord's are."""

    def __init__(self, clock: FakeClock, size: int | None, window: float) -> None:
        self._clock, self._size, self._window = clock, size, window
        self._used, self._resets = 0, 0.0
        self.answered: float | None = None

    def remaining(self) -> int | None:
        if self._size is None or self._clock.monotonic() >= self._resets:
            return None
        return self._size - self._used

    def reset_after_s(self) -> float:
        return max(0.0, self._resets - self._clock.monotonic())

    @property
    def responded_at(self) -> float | None:
        return self.answered

    def take(self) -> bool:
        """Use one request; tell whether there was one."""
        if self._size is None:
            return True
        if self._clock.monotonic() >= self._resets:
            self._used, self._resets = 0, self._clock.monotonic() + self._window
        self._used += 1
        return self._used <= self._size


class ResponseLost(Exception):
    """A call was applied, and the response to it is lost."""


class MemoryOutput:
    """A `bot.discord_ui.discord_output.DiscordOutput`: messages in a list.

    `latencies` are the seconds that the calls take, the last one for ever; `failures` the errors that they raise,
    None for a call that works. `broken` names what a real output would not have taken.
    """

    id = 1

    def __init__(
        self,
        clock: FakeClock,
        *,
        latencies: Iterable[float] = (0.0,),
        failures: Iterable[Exception | None] = (),
        bucket: int | None = None,
        window: float = 5.0,
        shared: tuple[MemoryBucket, FairEditScheduler] | None = None,
    ) -> None:
        self.bucket = MemoryBucket(clock, bucket, window)
        self._scheduler: FairEditScheduler | None
        self._bucket, self._scheduler = shared or (self.bucket, None)
        self.waited: list[float] = []
        self.messages: list[str] = []
        self.buttons: list[AnswerButtons] = []
        self.statuses: list[Message] = []
        self.files: dict[int, tuple[str, bytes]] = {}
        self.edits: list[Edit] = []
        self.broken: list[str] = []
        self.final_message_count: int | None = None
        self.cancellation = CancellationToken()
        self.deleted: set[int] = set()
        self.during_next: Callable[[], None] | None = None
        """Called while the next call is in flight."""
        self._next_id = count(1000)
        self._ids: list[int] = []
        self._clock = clock
        self._latencies = _lasting(latencies)
        self._failures = chain(failures, repeat(None))
        self._in_flight = False

    @property
    def message_ids(self) -> tuple[int, ...]:
        return tuple(self._ids)

    def next_failures(self, *failures: Exception | None) -> None:
        """Let the next calls raise these errors."""
        self._failures = chain(failures, self._failures)

    async def acknowledge(self) -> int | None:
        return None

    async def show_result(self, text: str, files: Sequence[Any] = (), view: Any = None) -> None:
        await self._take(len(self.messages), text, None, NO_BUTTONS)

    @asynccontextmanager
    async def edit_slot(self, index: int, urgent: asyncio.Event) -> AsyncIterator[None]:
        if self._scheduler is None:
            yield
            return
        since = self._clock.monotonic()
        async with self._scheduler.edit_slot(urgent):
            self.waited.append(self._clock.monotonic() - since)
            yield

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        await self._take(index, text, None, buttons)

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        await self._take(index, text, (filename, data), buttons)

    async def show_status(self, status: Message, buttons: AnswerButtons = NO_BUTTONS) -> None:
        if self.messages:
            self.broken.append("something said meanwhile when there were words")
        await self._take(0, render(status), None, buttons, status=status)

    async def mark_final(self, message_count: int) -> None:
        self.final_message_count = message_count

    async def _take(
        self,
        index: int,
        text: str,
        file: tuple[str, bytes] | None,
        buttons: AnswerButtons,
        *,
        status: Message | None = None,
    ) -> None:
        self._check(index, text, file, buttons)
        self._raise_if_deleted(index)
        started, left = self._clock.monotonic(), self._bucket.remaining()
        if not self._bucket.take():
            self.broken.append("a request beyond the bucket")
        failure = next(self._failures)
        self._in_flight = True
        if (call := self.during_next) is not None:
            self.during_next = None
            call()
        try:
            await self._clock.sleep(next(self._latencies))
            if self._scheduler is not None:
                self.bucket.answered = self._clock.monotonic()
            if self._bucket.remaining() == 0:  # discord.py sits out an empty bucket inside the call that emptied it
                await self._clock.sleep(self._bucket.reset_after_s())
        except asyncio.CancelledError:
            self.broken.append("a request cancelled in flight")
            raise
        finally:
            self._in_flight = False
        ended = self._clock.monotonic()
        if status is not None:
            self.statuses.append(status)
            if failure is not None:
                raise failure
            return
        self.edits.append(Edit(started, ended, index, text, file and file[1], failure is None, left))
        if failure is not None and not isinstance(failure, ResponseLost):
            raise failure
        self._apply(index, text, file, buttons)
        if failure is not None:
            raise failure
        self._raise_if_late(index)

    def _apply(self, index: int, text: str, file: tuple[str, bytes] | None, buttons: AnswerButtons) -> None:
        self.messages[index:] = [text, *self.messages[index + 1 :]]
        self.buttons[index:] = [buttons, *self.buttons[index + 1 :]]
        if file is not None:
            self.files[index] = file

    def _raise_if_deleted(self, index: int) -> None:
        if index in self.deleted:
            self.cancellation.cancel(CancelReason.DELETED)
        if index in self.deleted or (index == len(self._ids) and self.cancellation.reason is CancelReason.DELETED):
            raise OutputDeleted

    def _raise_if_late(self, index: int) -> None:
        """Know a message that was sent; delete it where the answer was deleted meanwhile."""
        if index == len(self._ids):
            self._ids.append(next(self._next_id))
            if self.cancellation.reason is CancelReason.DELETED:
                self.deleted.add(index)
                raise OutputDeleted

    def _check(self, index: int, text: str, file: tuple[str, bytes] | None, buttons: AnswerButtons) -> None:
        known = index < len(self.messages)
        same = known and (self.messages[index], self.buttons[index]) == (text, buttons)
        wrong = {
            "two requests in flight": self._in_flight,
            "a message out of turn": not 0 <= index <= len(self.messages),
            "an empty message": not text.strip(),
            "white space that Discord would drop": text != text.strip(),
            "a message too long": len(text) > LIMIT,
            "an edit that changes nothing": same and file is None,
        }
        self.broken += [what for what, is_so in wrong.items() if is_so]


def _lasting(values: Iterable[float]) -> Iterator[float]:
    last = 0.0
    for last in values:
        yield last
    yield from repeat(last)
