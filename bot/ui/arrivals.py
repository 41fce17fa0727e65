"""Messages of the bot's own as the gateway tells of them: by the nonce that each was sent with.

discord.py holds back the answer to the request that empties a bucket, and an answer can get lost; the gateway tells of
the message all the same.
"""

import asyncio
import weakref

import discord


class Arrivals:
    """Knows which of the messages that are waited for have arrived."""

    def __init__(self) -> None:
        self._awaited: weakref.WeakValueDictionary[str, asyncio.Future[int]] = weakref.WeakValueDictionary()

    def expect(self, nonce: str) -> asyncio.Future[int]:
        """Return what will hold the id of the message with that nonce; to be held for as long as it matters."""
        arrival = self._awaited.get(nonce)
        if arrival is None:
            arrival = self._awaited[nonce] = asyncio.get_running_loop().create_future()
        return arrival

    def arrived(self, message: discord.Message) -> None:
        """Take note of a message of the bot's own."""
        arrival = self._awaited.get(str(message.nonce))
        if arrival is not None and not arrival.done():
            arrival.set_result(message.id)
