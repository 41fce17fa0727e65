"""One log record for each request: what it was, how it ended, how long it took, what it cost."""

import asyncio
import logging
import secrets
from types import TracebackType
from typing import Final, Self

from bot.clock import Clock
from bot.context import RequestContext

logger = logging.getLogger(__name__)

# No 0/O or 1/I/L: members may read a reference out to the operator.
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_reference() -> str:
    """Return a new short reference under which the log can be searched."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


class RequestLog:
    """What is known of one request while it runs; leaving its block logs it, in one INFO record.

    Facts are ids, sizes and counts only, never what people wrote. The outcome is `done`, what `set_outcome` set,
    `interrupted` for a cancellation, or the type of the error that left the block.
    """

    def __init__(self, command: str, requester: RequestContext, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._first_output_at: float | None = None
        self._outcome = "done"
        self._facts: dict[str, object] = {
            "command": command,
            "user": requester.user_id,
            "guild": requester.guild_id,
            "channel": requester.channel_id,
        }

    def record(self, **facts: object) -> None:
        """Add facts to the record."""
        self._facts.update(facts)

    def mark_first_output(self) -> None:
        """Record the moment when something of the answer first arrived."""
        if self._first_output_at is None:
            self._first_output_at = self._clock.monotonic()

    def set_outcome(self, outcome: str) -> None:
        """Set how it ended, where that is neither `done` nor an error."""
        self._outcome = outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._outcome = "interrupted" if issubclass(kind, asyncio.CancelledError) else kind.__name__
        facts = {**self._facts, "outcome": self._outcome, "total_ms": self._since_start(self._clock.monotonic())}
        if self._first_output_at is not None:
            facts["first_word_ms"] = self._since_start(self._first_output_at)
        logger.info("request", extra=facts)

    def _since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)
