"""A log of the requests to the AI service, on which tests can wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sandbox.change_signal import ChangeSignal
from sandbox.json_object import Json


class CallKind(StrEnum):
    """The kinds of requests."""

    CHAT = "chat"
    SPEECH = "speech"
    IMAGES = "images"
    MODELS = "models"


@dataclass(slots=True, eq=False)
class ApiCall:
    """A request; times are in seconds of the monotonic clock.

    `answer` is the complete text of a chat completion, also where a fault cuts it. `finished_at` is set when the
    response was sent, `closed_early_at` instead when the client disconnected before.
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
        """Whether the response is not finished."""
        return self.finished_at is None and self.closed_early_at is None

    @property
    def messages(self) -> list[Json]:
        """The messages of a chat request; none for other kinds."""
        messages = self.body.get("messages")
        return messages if isinstance(messages, list) else []


class ApiCallLog:
    """All requests in order of arrival, and a way to wait for them."""

    def __init__(self) -> None:
        self.calls: list[ApiCall] = []
        self._sequence = 0
        self.changed = ChangeSignal()

    def begin(self, kind: CallKind, path: str, body: Json) -> ApiCall:
        """Record and return a new request."""
        self._sequence += 1
        call = ApiCall(self._sequence, kind, path, body, time.monotonic())
        self.calls.append(call)
        self.changed.notify()
        return call

    def finish(self, call: ApiCall) -> None:
        """Record that the response was sent, also one that a fault cut."""
        if call.running:
            call.finished_at = time.monotonic()
            self.changed.notify()

    def client_disconnected(self, call: ApiCall) -> None:
        """Record that the client closed the connection before the end of the response."""
        if call.running:
            call.closed_early_at = time.monotonic()
            self.changed.notify()

    async def until(self, predicate: Callable[[], bool], deadline_s: float = 10.0) -> None:
        """Wait until `predicate` is true; it is checked whenever a request begins or ends.

        Raises:
            TimeoutError: it did not within `deadline_s` seconds.
        """
        await self.changed.until(predicate, deadline_s=deadline_s, what="the call")
