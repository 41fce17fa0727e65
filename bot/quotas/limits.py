"""The limits: what is counted, for whom, in which period, and how much of it there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache


class Period(StrEnum):
    """The period that a limit is for, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


def window_start(per: Period, moment: datetime) -> datetime:
    """Return when the hour, day or month of `moment` (any time zone) began, in UTC."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    match per:
        case Period.HOUR:
            return hour
        case Period.DAY:
            return hour.replace(hour=0)
        case Period.MONTH:
            return hour.replace(day=1, hour=0)


def window_end(per: Period, moment: datetime) -> datetime:
    """Return when the next hour, day or month after `moment` begins, in UTC."""
    start = window_start(per, moment)
    match per:
        case Period.HOUR:
            return start + timedelta(hours=1)
        case Period.DAY:
            return start + timedelta(days=1)
        case Period.MONTH:
            return (start + timedelta(days=31)).replace(day=1)  # no month is longer, and two are never skipped


class Kind(StrEnum):
    """What is counted."""

    MESSAGES = "messages"
    TOKENS = "tokens"
    SPEECH_CHARACTERS = "speech_characters"
    IMAGES = "images"


class Scope(StrEnum):
    """Whom a limit is for."""

    SERVER = "server"
    CHANNEL = "channel"
    MEMBER = "member"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it was set, by a guild's moderators or by the operator.

    `target` is the channel's id, the role's id or the member's key; None means the whole guild together, or each
    channel or member separately. `max_amount` None means unlimited: use is counted and never refused.
    """

    scope: Scope
    target: int | None
    kind: Kind
    per: Period
    max_amount: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLimits:
    """The operator's limits, all per day: numbers, or None for unlimited."""

    member_messages: int | None
    member_speech_characters: int | None
    member_images: int | None
    server_messages: int | None
    server_tokens: int | None
    server_speech_characters: int | None
    server_images: int | None

    @cache  # noqa: B019 – one for each set of settings, so one in a program; used by each request
    def member_limits(self) -> Sequence[Limit]:
        """Return the limits of each member, who is counted once over all guilds and direct messages."""
        return (
            _daily_limit(Scope.MEMBER, Kind.MESSAGES, self.member_messages),
            _daily_limit(Scope.MEMBER, Kind.SPEECH_CHARACTERS, self.member_speech_characters),
            _daily_limit(Scope.MEMBER, Kind.IMAGES, self.member_images),
        )

    @cache  # noqa: B019 – as above
    def server_limits(self) -> Sequence[Limit]:
        """Return the limits of each guild, and of each member's direct messages, which count as one."""
        return (
            _daily_limit(Scope.SERVER, Kind.MESSAGES, self.server_messages),
            _daily_limit(Scope.SERVER, Kind.TOKENS, self.server_tokens),
            _daily_limit(Scope.SERVER, Kind.SPEECH_CHARACTERS, self.server_speech_characters),
            _daily_limit(Scope.SERVER, Kind.IMAGES, self.server_images),
        )


def _daily_limit(scope: Scope, kind: Kind, max_amount: int | None) -> Limit:
    return Limit(scope, None, kind, Period.DAY, max_amount)
