"""The voice connection below the session: how its tasks end."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

from bot.discord_ui.voice.handshake import VoiceHandshake
from tests.support.clock import settle


async def test_the_reader_of_the_websocket_ends_when_a_message_comes_together_with_its_cancellation() -> None:
    async def poll_event() -> None:
        with suppress(asyncio.CancelledError):  # as discord.py's does then, by asyncio.wait_for
            await asyncio.Event().wait()

    handshake = VoiceHandshake.__new__(VoiceHandshake)
    handshake.ws = SimpleNamespace(poll_event=poll_event)  # type: ignore[assignment]  # all that is asked of it
    reading = asyncio.create_task(handshake._read_websocket())
    await settle()
    reading.cancel()
    await settle()
    assert reading.cancelled()
