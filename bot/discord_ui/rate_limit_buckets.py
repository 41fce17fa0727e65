"""What Discord's headers say is left for answers' messages, and which answer may use it when.

discord.py shows these headers only to its HTTP trace; `bot.client` passes them on to `RateLimitBuckets.update`. An
interaction's own message and its follow-ups are paid from buckets of its token; messages of the bot's own from two
buckets of their channel, one for new ones and one for edits, which all answers there share.
"""

import asyncio
import re
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from bot.clock import Clock
from bot.streaming.message_streamer import RESERVED_REQUESTS, ROUNDING_S
from bot.streaming.output import RateLimitBucket
from bot.tasks import sleep_unless

_WEBHOOK_PATH: Final = re.compile(r"/webhooks/[0-9]+/(?P<token>[^/]+)(?:/messages/[^/]+)?$")
_CHANNEL_PATH: Final = re.compile(r"/channels/(?P<channel>[0-9]+)/messages(?:/[0-9]+)?$")

MAX_RESET_AFTER_S: Final = 24 * 3600
"""The longest time that a bucket takes to refill: beyond it the header tells nothing."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    left: int
    refills_at: float


class SharedBucket:
    """What remains in one or several buckets, by the headers of the last responses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self.responded_at: float | None = None
        """When the newest response came."""

    def remaining(self) -> int | None:
        """Return how many requests are left now, or None while nothing is known."""
        if not self._buckets:
            return None
        now = self._clock.monotonic()
        running = [bucket.left for bucket in self._buckets.values() if bucket.refills_at > now]
        return min(running) if running else None

    def reset_after_s(self) -> float:
        """Return the seconds until the scarcest bucket is full again; 0 if none is running."""
        now = self._clock.monotonic()
        running = [bucket for bucket in self._buckets.values() if bucket.refills_at > now]
        if not running:
            return 0.0
        return min(running, key=lambda bucket: bucket.left).refills_at - now

    def update(self, headers: Mapping[str, str]) -> None:
        """Update from the rate limit headers of one response; other headers are ignored."""
        try:
            bucket = headers["X-RateLimit-Bucket"]
            left = int(headers["X-RateLimit-Remaining"])
            reset_after_s = float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        if not 0 <= reset_after_s <= MAX_RESET_AFTER_S:
            return
        self.responded_at = self._clock.monotonic()
        self._buckets[bucket] = _Bucket(left, self.responded_at + reset_after_s)


class FairEditScheduler:
    """Allows one request at a time, first come, first served, spread over the time until the bucket's reset.

    An answer queues behind all others for each of its requests, so each of n answers gets an nth of the bucket. An
    answer that is alone leaves a request for its final edit.
    """

    def __init__(self, bucket: RateLimitBucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock
        self._lock = asyncio.Lock()
        self._last_ended = 0.0
        self._sharers = 0

    @contextmanager
    def share(self) -> Iterator[None]:
        """Count an answer among those that share the bucket, for as long as the block runs."""
        self._sharers += 1
        try:
            yield
        finally:
            self._sharers -= 1

    @asynccontextmanager
    async def edit_slot(self, urgent: asyncio.Event) -> AsyncIterator[None]:
        """Wait until a request may be made; make it within the block.

        Once `urgent` is set, a request may be made as soon as one remains, however close to the one before.
        """
        async with self._lock:
            while (pause_s := self._pause_s(urgent=urgent.is_set())) > ROUNDING_S:
                if urgent.is_set():
                    await self._clock.sleep(pause_s)
                else:
                    await sleep_unless(self._clock, urgent, pause_s)
            try:
                yield
            finally:
                self._last_ended = self._clock.monotonic()

    def _pause_s(self, *, urgent: bool) -> float:
        remaining, reset_after_s = self._bucket.remaining(), self._bucket.reset_after_s()
        if remaining is None or (urgent and remaining > 0):
            return 0.0
        spare = remaining if urgent or self._sharers > 1 else remaining - RESERVED_REQUESTS
        if spare <= 0:
            return reset_after_s
        # Wait until the time since the last request is a fair share of what then remains (see the pacer).
        since = self._clock.monotonic() - self._last_ended
        return (reset_after_s - spare * since) / (spare + 1)


class ChannelBucket:
    """The buckets of one channel, for new messages and for edits, each with an edit scheduler for its answers."""

    def __init__(self, clock: Clock) -> None:
        self.new = SharedBucket(clock)
        self.edits = SharedBucket(clock)
        self.creating = FairEditScheduler(self.new, clock)
        self.editing = FairEditScheduler(self.edits, clock)

    @contextmanager
    def share(self) -> Iterator[None]:
        """Count an answer among those that are written in the channel, for as long as the block runs."""
        with self.creating.share(), self.editing.share():
            yield


class RateLimitBuckets:
    """The buckets of the interactions and channels that are written to; unused ones are dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of_tokens: weakref.WeakValueDictionary[str, SharedBucket] = weakref.WeakValueDictionary()
        self._of_channels: weakref.WeakValueDictionary[int, ChannelBucket] = weakref.WeakValueDictionary()

    def for_interaction(self, token: str) -> SharedBucket:
        """Return the bucket of the interaction with `token`; hold it for as long as it is written to."""
        bucket = self._of_tokens.get(token)
        if bucket is None:
            bucket = self._of_tokens[token] = SharedBucket(self._clock)
        return bucket

    def for_channel(self, channel_id: int) -> ChannelBucket:
        """Return the buckets of a channel; hold them for as long as it is written to."""
        bucket = self._of_channels.get(channel_id)
        if bucket is None:
            bucket = self._of_channels[channel_id] = ChannelBucket(self._clock)
        return bucket

    def update(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Update from the headers of a response for `path`. The path may contain a secret token: never log it."""
        if found := _WEBHOOK_PATH.search(path):
            if (bucket := self._of_tokens.get(found["token"])) is not None:
                bucket.update(headers)
        elif found := _CHANNEL_PATH.search(path):
            channel = self._of_channels.get(int(found["channel"]))
            if channel is not None and method == "POST":
                channel.new.update(headers)
            elif channel is not None and method == "PATCH":
                channel.edits.update(headers)
