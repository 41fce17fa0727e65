"""Files of a message or a command, as a question takes them along."""

import asyncio
from collections.abc import Iterable
from typing import Final

import discord

from bot.conversation.enclosures import Enclosure
from bot.errors import UnreadableFile

FETCHED_WITHIN_S: Final = 30.0


def enclosed(attachments: Iterable[discord.Attachment]) -> tuple[Enclosure, ...]:
    """Take along what is attached."""
    return tuple(map(_enclosure, attachments))


def _enclosure(attachment: discord.Attachment) -> Enclosure:
    async def read() -> bytes:
        try:
            async with asyncio.timeout(FETCHED_WITHIN_S):
                return await attachment.read()
        except Exception as error:
            # Gone, out of reach, too slow: discord.py lets the network's errors through, which have nothing in common.
            sentence = "I couldn't fetch a file from Discord. Please attach it again."
            raise UnreadableFile(f"not fetched: {type(error).__name__}", sentence=sentence) from None

    media_type = (attachment.content_type or "").partition(";")[0].strip().lower()
    return Enclosure(attachment.filename, attachment.size, media_type, attachment.width, attachment.height, read)
