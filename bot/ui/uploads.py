"""Files that members give to a command: their size is looked at before anything of them is read."""

import asyncio
import logging
from typing import Final

import discord

from bot.errors import BadOption, BotError

_PATIENCE_S: Final = 30

log = logging.getLogger(__name__)


class UploadLost(BotError):
    """A file that was given cannot be had from Discord."""

    sentence = "I couldn't get that file from Discord. Please try again."


def check_size(attachment: discord.Attachment, most: int) -> None:
    """Do nothing if a file has at most so many bytes.

    Raises:
        BadOption: it has more.
    """
    if attachment.size > most:
        size, limit = (f"{each / 2**20:,.1f} MiB" for each in (attachment.size, most))
        raise BadOption(
            f"file of {attachment.size} bytes", sentence=f"That file has {size}, and {limit} is the most I read."
        )


async def read(attachment: discord.Attachment) -> bytes:
    """Return what is in a file.

    Raises:
        UploadLost: Discord doesn't give it.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await attachment.read()
    except discord.HTTPException as error:
        raise UploadLost(f"status {error.status}") from error
    except Exception as error:
        # The time-out, or a connection that failed: aiohttp's errors, whose names are none of this package's business.
        log.warning("file not read", extra={"size": attachment.size}, exc_info=error)
        raise UploadLost(type(error).__name__) from error
