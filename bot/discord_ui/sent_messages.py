"""Messages of the bot's own as the gateway tells of them: by the nonce that each was sent with.

discord.py holds back the answer to the request that empties a bucket, and an answer can get lost; the gateway tells of
the message all the same.
"""

import asyncio
import weakref
from collections.abc import Iterable
from typing import Any, Final

import discord


class SentMessages:
    """Knows which of the messages that are waited for have arrived."""

    def __init__(self) -> None:
        self._awaited: weakref.WeakValueDictionary[str, asyncio.Future[int]] = weakref.WeakValueDictionary()

    def expect(self, nonce: str) -> asyncio.Future[int]:
        """Return what will hold the id of the message with that nonce; to be held for as long as it matters."""
        arrival = self._awaited.get(nonce)
        if arrival is None:
            arrival = self._awaited[nonce] = asyncio.get_running_loop().create_future()
        return arrival

    def confirm(self, message: discord.Message) -> None:
        """Record a message of the bot's own that the gateway reported."""
        arrival = self._awaited.get(str(message.nonce))
        if arrival is not None and not arrival.done():
            arrival.set_result(message.id)


HISTORY_LIMIT: Final = 100
"""Far more messages than are written in a channel within an answer."""

Message = dict[str, Any]  # Any: Discord's JSON


async def messages_after(http: discord.http.HTTPClient, channel_id: int, after: int) -> list[Message]:
    """Return the messages right after an id in a channel, the oldest first."""
    found = [dict(each) for each in await http.logs_from(channel_id, limit=HISTORY_LIMIT, after=after)]
    return sorted(found, key=lambda message: int(message["id"]))


def messages_of_interaction(messages: Iterable[Message], interaction_id: int) -> list[Message]:
    """Return those that answer an interaction."""
    wanted = str(interaction_id)
    return [each for each in messages if (each.get("interaction_metadata") or {}).get("id") == wanted]
