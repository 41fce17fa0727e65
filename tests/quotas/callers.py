"""People who spend, and limits to vary."""

import dataclasses
from collections.abc import Iterable

from bot.context import Permission, RequestContext
from bot.quotas.limits import OperatorLimits
from bot.quotas.resolver import UsageKeys, derive_key

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


def requester(
    user_id: int = ANN, guild_id: int | None = GUILD, *, channel_id: int = CHANNEL, roles: Iterable[int] = ()
) -> RequestContext:
    return RequestContext(
        user_id=user_id,
        name="someone",
        guild_id=guild_id,
        channel_id=channel_id,
        settings_channel_id=channel_id,
        permissions=frozenset(Permission),
        role_ids=frozenset(roles) | ({guild_id} if guild_id is not None else set()),
    )


def operator_limits(**limits: int) -> OperatorLimits:
    return dataclasses.replace(UNLIMITED, **limits)
