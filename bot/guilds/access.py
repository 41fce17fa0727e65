"""Whom the bot serves, where, and how many requests a member can make in how short a time.

The rate limit is kept in memory: it starts from zero after a restart.
"""

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cachetools import TTLCache

from bot.clock import Clock
from bot.errors import AccessDenied, UserRateLimited
from bot.messages import errors as texts


@dataclass(frozen=True, slots=True)
class AllowLists:
    """What the operator allows: `allowed_guilds` (empty: all), direct messages or not, and `blocked_users` not."""

    allowed_guilds: Collection[int] = frozenset()
    allow_direct_messages: bool = True
    blocked_users: Collection[int] = frozenset()

    def serves_guild(self, guild_id: int) -> bool:
        """Return whether the bot may be in that guild at all."""
        return not self.allowed_guilds or guild_id in self.allowed_guilds

    def check(self, user_id: int, guild_id: int | None) -> None:
        """Check that the bot serves that user in that guild, or in direct messages (None).

        Raises:
            AccessDenied: it doesn't.
        """
        if user_id in self.blocked_users:
            raise AccessDenied("blocked user", message=texts.user_blocked())
        if guild_id is None:
            if not self.allow_direct_messages:
                raise AccessDenied("direct messages are off", message=texts.direct_messages_off())
        elif not self.serves_guild(guild_id):
            raise AccessDenied("server not allowed", message=texts.server_not_allowed())


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in any `seconds` seconds."""

    requests: int
    seconds: int


class MemberRateLimiter:
    """Counts each member's requests; what is refused doesn't count. Without a `rate` everything passes."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        # Expire when a member's last request no longer counts. Their number is bounded by the rate of requests alone.
        self._requests: TTLCache[int, deque[float]] = TTLCache(math.inf, rate.seconds if rate else 0, clock.monotonic)

    def check_and_count(self, member_id: int) -> None:
        """Count a request of that member's.

        Raises:
            UserRateLimited: it is more than the rate allows; its sentence says when the next one passes.
        """
        if self._rate is None:
            return
        now = self._clock.monotonic()
        times = self._requests.get(member_id) or deque(maxlen=self._rate.requests)
        if len(times) == self._rate.requests and (left_s := times[0] + self._rate.seconds - now) > 0:
            raise UserRateLimited(until=_round_up(self._clock.discord_now() + timedelta(seconds=left_s)))
        times.append(now)
        self._requests[member_id] = times

    @property
    def members(self) -> int:
        """Return for how many members times are kept."""
        return len(self._requests)


def _round_up(moment: datetime) -> datetime:
    """Return the next whole second: Discord shows no others, and at that one a request has to pass."""
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)


class AccessPolicy:
    """Where and whom the bot serves, and how many requests in how short a time."""

    def __init__(self, allow_lists: AllowLists, rate_limiter: MemberRateLimiter) -> None:
        self.allow_lists = allow_lists
        self._rate_limiter = rate_limiter

    def check(self, user_id: int, guild_id: int | None) -> None:
        """Check an autocomplete; those come with every letter that is typed, so they are not counted.

        Raises:
            AccessDenied: the bot doesn't serve them there.
        """
        self.allow_lists.check(user_id, guild_id)

    def check_request(self, user_id: int, guild_id: int | None) -> None:
        """Check and count the use of a command, a button or a modal.

        Raises:
            AccessDenied: the bot doesn't serve them there.
            UserRateLimited: they were too quick.
        """
        self.allow_lists.check(user_id, guild_id)
        self._rate_limiter.check_and_count(user_id)
