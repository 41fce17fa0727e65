"""One record for each thing a member asked for: what it was, how it ended, how long it took, what it cost."""

import asyncio
import logging
import secrets
from types import TracebackType
from typing import Final, Self

from bot.clock import Clock
from bot.context import RequestContext

log = logging.getLogger(__name__)

# No 0/O or 1/I/L: members may read a reference out to whoever runs the bot.
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_reference() -> str:
    """Make up a short reference under which the log can be searched."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


class RequestLog:
    """What is known of one request while it is under way; leaving its block writes it down, in one INFO line.

    Facts are ids, sizes and counts only, never what people wrote. It ended as `done`, what `ended` said, `interrupted`
    for a cancellation, or the name of the error that left the block.
    """

    def __init__(self, command: str, requester: RequestContext, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._first_word: float | None = None
        self._outcome = "done"
        self._facts: dict[str, object] = {
            "command": command,
            "user": requester.user_id,
            "guild": requester.guild_id,
            "channel": requester.channel_id,
        }

    def note(self, **facts: object) -> None:
        """Add facts to the record."""
        self._facts.update(facts)

    def first_word(self) -> None:
        """Mark the moment when something of the answer first came."""
        if self._first_word is None:
            self._first_word = self._clock.monotonic()

    def ended(self, outcome: str) -> None:
        """Say how it ended, where that is neither `done` nor an error."""
        self._outcome = outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._outcome = "interrupted" if issubclass(kind, asyncio.CancelledError) else kind.__name__
        facts = {**self._facts, "outcome": self._outcome, "total_ms": self._since_start(self._clock.monotonic())}
        if self._first_word is not None:
            facts["first_word_ms"] = self._since_start(self._first_word)
        log.info("trip", extra=facts)

    def _since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)
