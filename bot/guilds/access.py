"""How many calls one member may make in how short a time. Kept in memory: a restart forgives."""

import math
from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.errors import AccessDenied, UserRateLimited
from bot.messages.message import plain


@dataclass(frozen=True, slots=True)
class AllowLists:
    """The operator's word: `allowed_guilds` (empty: all), direct messages or not, and `blocked_users`."""

    allowed_guilds: Collection[int] = frozenset()
    allow_direct_messages: bool = True
    blocked_users: Collection[int] = frozenset()

    def serves(self, guild_id: int) -> bool:
        """Whether the bot may be in that server at all."""
        return not self.allowed_guilds or guild_id in self.allowed_guilds

    def check(self, user_id: int, guild_id: int | None) -> None:
        """Do nothing if the bot serves that person in that server, or in direct messages (None).

        Raises:
            AccessDenied: it doesn't.
        """
        if user_id in self.blocked_users:
            raise AccessDenied("blocked user", message=plain("I can't do that for you."))
        if guild_id is None:
            if not self.allow_direct_messages:
                raise AccessDenied(
                    "direct messages are off", message=plain("I only work in servers, not in direct messages.")
                )
        elif not self.serves(guild_id):
            raise AccessDenied("server not allowed", message=plain("I don't work in this server."))


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in any `seconds` seconds."""

    calls: int
    seconds: int


class MemberRateLimiter:
    """Counts each member's calls; what is refused doesn't count. Without a `rate` everything passes."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        # Who called last is last, so that those who can be forgotten are the first.
        self._calls: OrderedDict[int, deque[float]] = OrderedDict()

    def call(self, member_id: int) -> None:
        """Count a call of that member's.

        Raises:
            UserRateLimited: it is more than the rate allows; its sentence says when the next one passes.
        """
        if self._rate is None:
            return
        now = self._clock.monotonic()
        self._forget(now - self._rate.seconds)
        calls = self._calls.setdefault(member_id, deque(maxlen=self._rate.calls))
        if len(calls) == self._rate.calls and (left := calls[0] + self._rate.seconds - now) > 0:
            raise UserRateLimited(until=_whole_second(self._clock.discord_now() + timedelta(seconds=left)))
        calls.append(now)
        self._calls.move_to_end(member_id)

    @property
    def members(self) -> int:
        """How many members are remembered."""
        return len(self._calls)

    def _forget(self, before: float) -> None:
        """Forget whose last call is too long ago to matter."""
        while self._calls:
            member_id, calls = next(iter(self._calls.items()))
            if calls and calls[-1] > before:
                return
            del self._calls[member_id]


def _whole_second(moment: datetime) -> datetime:
    """Round up: Discord shows whole seconds, and at that one a call has to pass."""
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)


class AccessPolicy:
    """Where and whom the bot serves, and how quickly one after another."""

    def __init__(self, doors: AllowLists, pace: MemberRateLimiter) -> None:
        self.doors = doors
        self._pace = pace

    def check(self, user_id: int, guild_id: int | None) -> None:
        """Let somebody have choices offered; those come with every letter, so they are not counted.

        Raises:
            AccessDenied: the bot doesn't serve them there.
        """
        self.doors.check(user_id, guild_id)

    def check_call(self, user_id: int, guild_id: int | None) -> None:
        """Let somebody use a command, press a button or send a form, and count that.

        Raises:
            AccessDenied: the bot doesn't serve them there.
            UserRateLimited: they were too quick.
        """
        self.doors.check(user_id, guild_id)
        self._pace.call(user_id)
