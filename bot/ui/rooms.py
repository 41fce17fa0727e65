"""What Discord's headers say is left for each interaction's messages.

discord.py shows these headers only to its HTTP trace; `bot.client` passes them on to `Rooms.learn`. An interaction's
own message and its follow-ups are paid from buckets of its token.
"""

import re
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.clock import Clock

_WEBHOOK_PATH: Final = re.compile(r"/webhooks/[0-9]+/(?P<token>[^/]+)(?:/messages/[^/]+)?$")


@dataclass(frozen=True, slots=True)
class _Bucket:
    left: int
    refills_at: float


class InteractionRoom:
    """The room for the messages of one interaction, as its last answers told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def left(self) -> int | None:
        """Return how many requests are left now, or None while nothing is known."""
        if not self._buckets:
            return None
        now = self._clock.monotonic()
        running = [bucket.left for bucket in self._buckets.values() if bucket.refills_at > now]
        return min(running) if running else None

    def refills_in(self) -> float:
        """Return the seconds until the scarcest bucket is full again; 0 if none is running."""
        now = self._clock.monotonic()
        running = [bucket for bucket in self._buckets.values() if bucket.refills_at > now]
        if not running:
            return 0.0
        return min(running, key=lambda bucket: bucket.left).refills_at - now

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take in the rate limit headers of one answer; others are passed over."""
        try:
            bucket = headers["X-RateLimit-Bucket"]
            left = int(headers["X-RateLimit-Remaining"])
            refills_in = float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        self._buckets[bucket] = _Bucket(left, self._clock.monotonic() + refills_in)


class Rooms:
    """The rooms of the interactions under way, by their token; a room that nobody holds any more is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: weakref.WeakValueDictionary[str, InteractionRoom] = weakref.WeakValueDictionary()

    def of(self, token: str) -> InteractionRoom:
        """Return the room of the interaction with `token`, to be held for as long as it is written to."""
        room = self._rooms.get(token)
        if room is None:
            room = self._rooms[token] = InteractionRoom(self._clock)
        return room

    def learn(self, path: str, headers: Mapping[str, str]) -> None:
        """Take in the headers of an answer to a request for `path`. The path bears a secret token: never log it."""
        found = _WEBHOOK_PATH.search(path)
        if found and (room := self._rooms.get(found["token"])):
            room.learn(headers)
