"""Decides when the next edit of a running answer may start. Knows times and counts, no tasks and no texts."""

from typing import Final

from bot.streaming.output import RateLimitBucket

STEADY_S: Final = 1.0
"""Seconds from one edit's start to the next: nobody reads faster, and the tightest buckets seen allow about that."""

STRETCH: Final = 2.0
"""An edit that took t seconds is followed by the next one 2t after its start. So at most half the time goes into edits:
the last one finds the line free as often as not, and a slow Discord is asked less."""

LONGEST_S: Final = 10.0
"""No pause is longer than this after an edit has ended, however slow it was or however often it failed."""

KEPT_BACK: Final = 1
"""Requests that stay in the bucket for the last edit."""


_INSTANT_S: Final = 0.001
"""What rounding leaves of a pause that is over."""


class Pacer:
    """Paces the edits of one answer by the time they take and by what is left in their bucket."""

    def __init__(self, steady_s: float = STEADY_S) -> None:
        self._steady_s = steady_s
        self._started: float | None = None
        self._ended = 0.0
        self._failures = 0

    def start(self, now: float) -> None:
        """Note that an edit starts at `now`, in seconds of a monotonic clock."""
        self._started = now

    def end(self, now: float, *, applied: bool) -> None:
        """Note that it ended."""
        self._ended = now
        self._failures = 0 if applied else self._failures + 1

    def pause(self, now: float, bucket: RateLimitBucket) -> float:
        """Tell how many seconds to wait before the next edit may start; 0 for at once."""
        pause = max(self._until_interval(now), self._until_bucket(now, bucket))
        return pause if pause >= _INSTANT_S else 0.0

    def _until_interval(self, now: float) -> float:
        if self._started is None:
            return 0.0  # first words as soon as they arrive
        took = self._ended - self._started
        interval = max(self._steady_s, STRETCH * took) * 2.0**self._failures
        return min(self._started + interval, self._ended + LONGEST_S) - now

    def _until_bucket(self, now: float, bucket: RateLimitBucket) -> float:
        """Spread what may be spent over the time until the bucket refills, so that edits don't come in bursts."""
        left, reset_after_s = bucket.remaining(), bucket.reset_after_s()
        if left is None:
            return 0.0
        spare = left - KEPT_BACK
        if spare <= 0:
            return reset_after_s
        if self._started is None:
            return 0.0
        # Wait until the time since the last edit is a fair share of what then remains: e + w = (r - w) / spare.
        since = now - self._started
        return min(reset_after_s, (reset_after_s - spare * since) / (spare + 1))
