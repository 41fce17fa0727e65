"""Who asks: a request's context to vary."""

from collections.abc import Iterable

from bot.clock import unix_ms
from bot.context import Permission, RequestContext
from tests.support.clock import NOON

GUILD, CHANNEL = 7, 10


def make_requester(  # noqa: PLR0913 - a requester's facts, each by its name
    user_id: int = 1,
    name: str = "Ada",
    *,
    guild_id: int | None = GUILD,
    channel_id: int = CHANNEL,
    settings_channel_id: int | None = None,
    permissions: Iterable[Permission] = (),
    guild_name: str = "",
    channel_name: str = "",
    role_ids: Iterable[int] = (),
    asked_at_ms: int = unix_ms(NOON),
) -> RequestContext:
    """Return a member's context; `settings_channel_id` is the parent of a thread, else the same channel."""
    return RequestContext(
        user_id=user_id,
        name=name,
        guild_id=guild_id,
        channel_id=channel_id,
        settings_channel_id=channel_id if settings_channel_id is None else settings_channel_id,
        asked_at_ms=asked_at_ms,
        permissions=frozenset(permissions),
        guild_name=guild_name,
        channel_name=channel_name,
        role_ids=frozenset(role_ids) | ({guild_id} if guild_id is not None else set()),
    )
