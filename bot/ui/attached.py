"""Files of a message or a command, as a question takes them along."""

from collections.abc import Iterable

import discord

from bot.conversation.attachments import Attachment, FileTooLarge
from bot.errors import UnreadableFile
from bot.ui.downloads import MoreThanAsked, download


def enclosed(attachments: Iterable[discord.Attachment]) -> tuple[Attachment, ...]:
    """Take along what is attached."""
    return tuple(map(_enclosure, attachments))


def _enclosure(attachment: discord.Attachment) -> Attachment:
    async def read(most: int) -> bytes:
        try:
            return await download(attachment, most)
        except MoreThanAsked:
            raise FileTooLarge from None
        except Exception as error:
            # Gone, out of reach, too slow: discord.py lets the network's errors through, which have nothing in common.
            sentence = "I couldn't fetch a file from Discord. Please attach it again."
            raise UnreadableFile(f"not fetched: {type(error).__name__}", sentence=sentence) from None

    media_type = (attachment.content_type or "").partition(";")[0].strip().lower()
    return Attachment(attachment.filename, attachment.size, media_type, attachment.width, attachment.height, read)
