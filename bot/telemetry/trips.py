"""One record for each thing a member asked for: what it was, how it ended, how long it took, what it cost."""

import logging
import secrets
from dataclasses import dataclass, field

from bot.clock import Clock

log = logging.getLogger(__name__)

# No 0/O or 1/I/L: members may read a reference out to whoever runs the bot.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_reference() -> str:
    """Make up a short reference under which the log can be searched."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


@dataclass(slots=True)
class Trip:
    """What is known of one request while it is under way; `end` writes it down.

    Facts are ids, sizes and counts only, never what people wrote.
    """

    command: str
    clock: Clock
    user_id: int
    guild_id: int | None
    channel_id: int
    reference: str = field(default_factory=new_reference)
    facts: dict[str, object] = field(default_factory=dict)
    _started: float = field(init=False)
    _first_word: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock.monotonic()

    def note(self, **facts: object) -> None:
        """Add facts to the record."""
        self.facts.update(facts)

    def first_word(self) -> None:
        """Mark the moment when the member first saw something of the answer."""
        if self._first_word is None:
            self._first_word = self.clock.monotonic()

    def end(self, outcome: str) -> None:
        """Write the record: one INFO line."""
        now = self.clock.monotonic()
        facts: dict[str, object] = {
            "trip": self.reference,
            "command": self.command,
            "outcome": outcome,
            "user": self.user_id,
            "guild": self.guild_id,
            "channel": self.channel_id,
            **self.facts,
            "total_ms": round((now - self._started) * 1000),
        }
        if self._first_word is not None:
            facts["first_word_ms"] = round((self._first_word - self._started) * 1000)
        log.info("trip", extra=facts)
