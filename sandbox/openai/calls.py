"""What the model API was asked: a log one can wait on, in place of sleeping and looking again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sandbox.change_signal import ChangeSignal
from sandbox.json_object import Json


class CallKind(StrEnum):
    """What a call to the model API is for."""

    CHAT = "chat"
    SPEECH = "speech"
    IMAGES = "images"
    MODELS = "models"


@dataclass(slots=True, eq=False)
class ApiCall:
    """One request, from its arrival on; times are seconds on the monotonic clock.

    `answer` is the text a chat is answered with, all of it, even where a fault cuts it. `finished_at` is set when our
    side was done, `closed_early_at` instead when the client went away before the answer was whole.
    """

    sequence: int
    kind: CallKind
    path: str
    body: Json
    at: float
    status: int | None = None
    finished_at: float | None = None
    closed_early_at: float | None = None
    answer: str | None = None

    @property
    def running(self) -> bool:
        """Whether the answer is still under way."""
        return self.finished_at is None and self.closed_early_at is None

    @property
    def messages(self) -> list[Json]:
        """The messages of a chat request; none for the other kinds."""
        messages = self.body.get("messages")
        return messages if isinstance(messages, list) else []


class ApiCallLog:
    """All calls in the order they came, and a way to wait for what is to happen to them."""

    def __init__(self) -> None:
        self.calls: list[ApiCall] = []
        self._sequence = 0
        self.changed = ChangeSignal()

    def begin(self, kind: CallKind, path: str, body: Json) -> ApiCall:
        """Record that a call arrived."""
        self._sequence += 1
        call = ApiCall(self._sequence, kind, path, body, time.monotonic())
        self.calls.append(call)
        self.changed.notify()
        return call

    def finish(self, call: ApiCall) -> None:
        """Record that the answer is on its way whole, or cut by our own doing."""
        if call.running:
            call.finished_at = time.monotonic()
            self.changed.notify()

    def client_disconnected(self, call: ApiCall) -> None:
        """Record that the client closed the connection in mid-answer."""
        if call.running:
            call.closed_early_at = time.monotonic()
            self.changed.notify()

    async def until(self, predicate: Callable[[], bool], deadline_s: float = 10.0) -> None:
        """Wait until `predicate` holds, looking whenever a call begins or ends.

        Raises:
            TimeoutError: it did not within `deadline_s` seconds.
        """
        await self.changed.until(predicate, deadline_s=deadline_s, what="the call")
