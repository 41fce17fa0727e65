"""Who uses the limits, and limits to vary."""

import dataclasses
from collections.abc import Iterable

from bot.context import Permission, RequestContext
from bot.quotas.resolver import OperatorLimits, UsageKeys, derive_key
from tests.support.requests import make_requester

ANN, BEN, GUILD, CHANNEL = 1, 2, 700, 10

USAGE_KEYS = UsageKeys(derive_key("a token"))

UNLIMITED = OperatorLimits(
    member_messages=None,
    member_speech_characters=None,
    member_images=None,
    server_messages=None,
    server_tokens=None,
    server_speech_characters=None,
    server_images=None,
)


@dataclasses.dataclass
class FakeProcess:
    """A process as the ledger knows it."""

    name: str


def requester(
    user_id: int = ANN, guild_id: int | None = GUILD, *, channel_id: int = CHANNEL, roles: Iterable[int] = ()
) -> RequestContext:
    return make_requester(user_id, guild_id=guild_id, channel_id=channel_id, permissions=Permission, role_ids=roles)


def operator_limits(**limits: int) -> OperatorLimits:
    return dataclasses.replace(UNLIMITED, **limits)
