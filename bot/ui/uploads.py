"""Files that members give to a command: their size is looked at before anything of them is read."""

import logging

import discord

from bot.errors import BotError, InvalidOption
from bot.ui.downloads import MoreThanAsked, download

log = logging.getLogger(__name__)


class UploadLost(BotError):
    """A file that was given cannot be had from Discord."""

    sentence = "I couldn't get that file from Discord. Please try again."


def check_size(attachment: discord.Attachment, most: int) -> None:
    """Do nothing if a file has at most so many bytes.

    Raises:
        InvalidOption: it has more.
    """
    if attachment.size > most:
        raise _too_large(f"{attachment.size / 2**20:,.1f} MiB", most)


async def read(attachment: discord.Attachment, most: int) -> bytes:
    """Return what is in a file of at most `most` bytes, whatever Discord says of its size.

    Raises:
        InvalidOption: it has more.
        UploadLost: Discord doesn't give it.
    """
    try:
        return await download(attachment, most)
    except MoreThanAsked:
        raise _too_large("more than Discord told", most) from None
    except discord.HTTPException as error:
        raise UploadLost(f"status {error.status}") from error
    except Exception as error:
        # The time-out, or a connection that failed: aiohttp's errors, whose names are none of this package's business.
        log.warning("file not read", extra={"size": attachment.size}, exc_info=error)
        raise UploadLost(type(error).__name__) from error


def _too_large(size: str, most: int) -> InvalidOption:
    sentence = f"That file has {size}, and {most / 2**20:,.1f} MiB is the most I read."
    return InvalidOption(f"file of {size}", sentence=sentence)
