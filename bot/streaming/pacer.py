"""Decides when the next edit of a streaming answer may start. Knows times and counts, no tasks and no texts."""

from typing import Final

from bot.streaming.output import RateLimitBucket

MIN_INTERVAL_S: Final = 1.0
"""Seconds from one edit's start to the next: faster is not readable, and the tightest buckets seen allow about that."""

DURATION_FACTOR: Final = 2.0
"""Wait 2t from the start of an edit that took t seconds, so that edits use at most half the time and back off when
Discord is slow."""

MAX_PAUSE_S: Final = 10.0
"""The longest pause after an edit has ended, however slow it was or however often it failed."""

RESERVED_REQUESTS: Final = 1
"""Requests that stay in the bucket for the final edit."""


ROUNDING_S: Final = 0.001
"""A shorter pause is what rounding leaves of one that is over."""


class Pacer:
    """Paces the edits of one answer by the time they take and by the requests that remain in their bucket."""

    def __init__(self, min_interval_s: float = MIN_INTERVAL_S) -> None:
        self._min_interval_s = min_interval_s
        self._started: float | None = None
        self._ended = 0.0
        self._failures = 0

    def edit_started(self, now: float) -> None:
        """Record that an edit starts at `now`, in seconds of a monotonic clock."""
        self._started = now

    def edit_ended(self, now: float, *, applied: bool) -> None:
        """Record that the edit ended at `now`, and whether it was applied."""
        self._ended = now
        self._failures = 0 if applied else self._failures + 1

    def pause_s(self, now: float, bucket: RateLimitBucket) -> float:
        """Return how many seconds to wait before the next edit may start; 0 for none."""
        pause_s = max(self._interval_pause_s(now), self._bucket_pause_s(now, bucket))
        return pause_s if pause_s >= ROUNDING_S else 0.0

    def _interval_pause_s(self, now: float) -> float:
        if self._started is None:
            return 0.0  # the first text as soon as it arrives
        took_s = self._ended - self._started
        interval_s = max(self._min_interval_s, DURATION_FACTOR * took_s) * 2.0**self._failures
        return min(self._started + interval_s, self._ended + MAX_PAUSE_S) - now

    def _bucket_pause_s(self, now: float, bucket: RateLimitBucket) -> float:
        """Return a pause that spreads the remaining requests over the time until the reset: no bursts of edits."""
        remaining, reset_after_s = bucket.remaining(), bucket.reset_after_s()
        if remaining is None:
            return 0.0
        spare = remaining - RESERVED_REQUESTS
        if spare <= 0:
            return reset_after_s
        if self._started is None:
            return 0.0
        # Wait until the time since the last edit is a fair share of what then remains: e + w = (r - w) / spare.
        since = now - self._started
        return min(reset_after_s, (reset_after_s - spare * since) / (spare + 1))
