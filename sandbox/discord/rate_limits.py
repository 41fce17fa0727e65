"""Rate limits: one bucket per kind of route and top-level id, told in headers, enforced with 429."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.json_object import Json

GLOBAL = "global"

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` requests per `per_s` seconds."""

    limit: int
    per_s: float


# The first four as seen in the field, the global one as documented; the rest are roomy.
RATES: Mapping[str, Rate] = {
    "message.create": Rate(5, 5.0),
    "message.edit": Rate(5, 5.0),
    "interaction.webhook": Rate(5, 5.0),
    "typing": Rate(5, 5.0),
    "message.delete": Rate(5, 1.0),
    "reaction": Rate(1, 0.25),
    "interaction.callback": Rate(5, 5.0),
    "commands.write": Rate(20, 5.0),
    GLOBAL: Rate(50, 1.0),
}
ROOMY = Rate(50, 1.0)


@dataclass(slots=True)
class _Window:
    ends: float = -math.inf
    used: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and the headers that say so."""

    allowed: bool
    headers: Mapping[str, str]
    refusal: Json | None = None


@dataclass(slots=True)
class Buckets:
    """Counts requests in windows that begin with the first request after the last window's end."""

    clock: Monotonic
    wall: Callable[[], float]
    rates: dict[str, Rate] = field(default_factory=lambda: dict(RATES))
    limited: int = 0
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)

    def take(self, name: str, major: str, *, counts_globally: bool) -> Verdict:
        """Ask to pass.

        Args:
            name: the kind of route, a key of `RATES`.
            major: the top-level id: a channel, or an interaction's token.
            counts_globally: False for interaction endpoints, which the bot's 50 a second leave alone.
        """
        now = self.clock()
        if counts_globally:
            everything = self._window(GLOBAL, "", now)
            if everything.used >= self._rate(GLOBAL).limit:
                return self._refused(everything.ends - now, {"X-RateLimit-Global": "true"}, scope=GLOBAL)
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
            return Verdict(True, headers)
        return self._refused(left_s, headers, scope="user")

    def _rate(self, name: str) -> Rate:
        return self.rates.get(name, ROOMY)

    def _window(self, name: str, major: str, now: float) -> _Window:
        window = self._windows.setdefault((name, major), _Window())
        if now >= window.ends:
            window.ends, window.used = now + self._rate(name).per_s, 0
        if len(self._windows) > 10_000:  # one per interaction: those long over are let go
            self._windows = {key: kept for key, kept in self._windows.items() if kept.ends > now}
        return window

    def _refused(self, wait_s: float, headers: Mapping[str, str], *, scope: str) -> Verdict:
        self.limited += 1
        body: Json = {
            "message": "You are being rate limited.",
            "retry_after": round(max(0.001, wait_s), 3),
            "global": scope == GLOBAL,
            "code": 0,
        }
        more = {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": scope}
        return Verdict(False, {**headers, **more}, body)
