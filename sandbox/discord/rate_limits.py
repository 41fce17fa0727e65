"""Rate limits: one bucket per kind of route and major parameter, announced in headers, enforced with 429."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.json_object import Json

GLOBAL = "global"

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`limit` requests per `per_s` seconds."""

    limit: int
    per_s: float


# The first four as measured at Discord, the global one as documented; the others are generous.
RATE_LIMITS: Mapping[str, RateLimit] = {
    "message.create": RateLimit(5, 5.0),
    "message.edit": RateLimit(5, 5.0),
    "interaction.webhook": RateLimit(5, 5.0),
    "typing": RateLimit(5, 5.0),
    "message.delete": RateLimit(5, 1.0),
    "reaction": RateLimit(1, 0.25),
    "interaction.callback": RateLimit(5, 5.0),
    "commands.write": RateLimit(20, 5.0),
    GLOBAL: RateLimit(50, 1.0),
}
DEFAULT_RATE_LIMIT = RateLimit(50, 1.0)


@dataclass(slots=True)
class _Window:
    ends: float = -math.inf
    used: int = 0


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """Whether a request is allowed, its rate limit headers, and the body of a 429."""

    allowed: bool
    headers: Mapping[str, str]
    error_body: Json | None = None


@dataclass(slots=True)
class RateLimiter:
    """Counts requests in windows; a window begins with the first request after the end of the last."""

    clock: Monotonic
    wall: Callable[[], float]
    rates: dict[str, RateLimit] = field(default_factory=lambda: dict(RATE_LIMITS))
    rejected: int = 0
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)

    def acquire(self, name: str, major: str, *, counts_globally: bool) -> RateLimitResult:
        """Count a request and return whether it is allowed.

        Args:
            name: the kind of route, a key of `RATE_LIMITS`.
            major: the major parameter: a channel id or an interaction token.
            counts_globally: False for interaction endpoints, which do not count towards 50 requests a second.
        """
        now = self.clock()
        if counts_globally:
            everything = self._window(GLOBAL, "", now)
            if everything.used >= self._rate(GLOBAL).limit:
                return self._reject(everything.ends - now, {"X-RateLimit-Global": "true"}, scope=GLOBAL)
            everything.used += 1
        rate = self._rate(name)
        window = self._window(name, major, now)
        passes = window.used < rate.limit
        if passes:
            window.used += 1
        left_s = max(0.0, window.ends - now)
        headers = {
            "X-RateLimit-Limit": str(rate.limit),
            "X-RateLimit-Remaining": str(rate.limit - window.used),
            "X-RateLimit-Reset": f"{self.wall() + left_s:.3f}",
            "X-RateLimit-Reset-After": f"{left_s:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
        }
        if passes:
            return RateLimitResult(True, headers)
        return self._reject(left_s, headers, scope="user")

    def _rate(self, name: str) -> RateLimit:
        return self.rates.get(name, DEFAULT_RATE_LIMIT)

    def _window(self, name: str, major: str, now: float) -> _Window:
        window = self._windows.setdefault((name, major), _Window())
        if now >= window.ends:
            window.ends, window.used = now + self._rate(name).per_s, 0
        if len(self._windows) > 10_000:  # there is one per interaction: delete the old ones
            self._windows = {key: kept for key, kept in self._windows.items() if kept.ends > now}
        return window

    def _reject(self, wait_s: float, headers: Mapping[str, str], *, scope: str) -> RateLimitResult:
        self.rejected += 1
        body: Json = {
            "message": "You are being rate limited.",
            "retry_after": round(max(0.001, wait_s), 3),
            "global": scope == GLOBAL,
            "code": 0,
        }
        more = {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": scope}
        return RateLimitResult(False, {**headers, **more}, body)
