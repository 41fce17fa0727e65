"""What the model API was asked: a log one can wait on, in place of sleeping and looking again."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]  # an object as the client sent it: anything JSON can hold


class Kind(StrEnum):
    """What a call to the model API is for."""

    CHAT = "chat"
    SPEECH = "speech"
    IMAGES = "images"
    MODELS = "models"


@dataclass(slots=True, eq=False)
class Call:
    """One request, from its arrival on; times are seconds on the monotonic clock.

    `closed_early_at` is set when the client went away before the answer was whole, `finished_at` when our side
    was done with it.
    """

    sequence: int
    kind: Kind
    path: str
    body: Json
    at: float
    status: int | None = None
    finished_at: float | None = None
    closed_early_at: float | None = None

    @property
    def running(self) -> bool:
        """Whether the answer is still under way."""
        return self.finished_at is None and self.closed_early_at is None

    @property
    def messages(self) -> list[Json]:
        """The messages of a chat request; none for the other kinds."""
        messages = self.body.get("messages")
        return messages if isinstance(messages, list) else []


class CallLog:
    """All calls in the order they came, and a way to wait for what is to happen to them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._sequence = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def begin(self, kind: Kind, path: str, body: Json) -> Call:
        """Record that a call arrived."""
        self._sequence += 1
        call = Call(self._sequence, kind, path, body, time.monotonic())
        self.calls.append(call)
        self._notice()
        return call

    def finish(self, call: Call) -> None:
        """Record that the answer is on its way whole, or cut by our own doing."""
        if call.running:
            call.finished_at = time.monotonic()
            self._notice()

    def left(self, call: Call) -> None:
        """Record that the client closed the connection in mid-answer."""
        if call.running:
            call.closed_early_at = time.monotonic()
            self._notice()

    async def until(self, predicate: Callable[[], bool], deadline_s: float = 10.0) -> None:
        """Wait until `predicate` holds, looking whenever a call begins or ends.

        Raises:
            TimeoutError: it did not within `deadline_s` seconds.
        """
        async with asyncio.timeout(deadline_s):
            while not predicate():
                change = asyncio.get_running_loop().create_future()
                self._waiting.add(change)
                try:
                    await change
                finally:
                    self._waiting.discard(change)

    def _notice(self) -> None:
        for change in self._waiting:
            if not change.done():
                change.set_result(None)
