"""Finding messages that may have been sent without anybody telling."""

from collections.abc import Iterable
from typing import Any, Final

import discord

LOOKED_THROUGH: Final = 100
"""Far more messages than are written in a channel within an answer."""

Message = dict[str, Any]  # Any: Discord's JSON


async def messages_after(http: discord.http.HTTPClient, channel_id: int, after: int) -> list[Message]:
    """Give the messages right after an id in a channel, the oldest first. Discord gives those when asked so."""
    found = [dict(each) for each in await http.logs_from(channel_id, limit=LOOKED_THROUGH, after=after)]
    return sorted(found, key=lambda message: int(message["id"]))


def of_interaction(messages: Iterable[Message], interaction_id: int) -> list[Message]:
    """Pick those that answer an interaction."""
    wanted = str(interaction_id)
    return [each for each in messages if (each.get("interaction_metadata") or {}).get("id") == wanted]
