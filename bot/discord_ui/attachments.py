"""Files that members attach: their size is checked before anything of them is read."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import discord

from bot.conversation.attachments import Attachment, FileTooLarge
from bot.errors import BotError, InvalidOption, UnreadableFile
from bot.messages import answers as texts

DOWNLOAD_TIMEOUT_S: Final = 30.0
_CHUNK_BYTES: Final = 64 * 1024


class DownloadTooLarge(Exception):
    """A file goes on beyond the bound; the rest of it is not read."""


class DownloadFailed(BotError):
    """A file that was given cannot be had from Discord."""

    message = texts.file_download_failed()


async def download(attachment: discord.Attachment, max_bytes: int) -> bytes:
    """Return what is in a file of at most `max_bytes` bytes.

    Raises:
        DownloadTooLarge: it is larger.
        DownloadFailed: Discord doesn't give it, or the connection fails or takes too long.
    """
    try:
        return await _get(attachment, max_bytes)
    except DownloadTooLarge:
        raise
    except discord.HTTPException as error:
        raise DownloadFailed(f"status {error.status}") from error
    except Exception as error:
        # The time-out, or a connection that failed: aiohttp's errors, which this package doesn't import.
        raise DownloadFailed(type(error).__name__) from error


async def _get(attachment: discord.Attachment, max_bytes: int) -> bytes:
    # `Attachment.read` takes whatever comes into memory first. This does as `HTTPClient.get_from_cdn` does.
    http: Any = attachment._http
    data = bytearray()
    async with (
        asyncio.timeout(DOWNLOAD_TIMEOUT_S),
        http._HTTPClient__session.get(
            attachment.url, proxy=http.proxy, proxy_auth=http.proxy_auth, headers={"Accept-Encoding": "identity"}
        ) as response,
    ):
        if response.status != 200:
            raise discord.HTTPException(response, "file not given")
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            data += chunk
            if len(data) > max_bytes:
                response.close()
                raise DownloadTooLarge
    return bytes(data)


def check_size(attachment: discord.Attachment, max_bytes: int) -> None:
    """Check that a file has at most so many bytes.

    Raises:
        InvalidOption: it has more.
    """
    if attachment.size > max_bytes:
        raise _too_large(f"{attachment.size} bytes", max_bytes)


async def read(attachment: discord.Attachment, max_bytes: int) -> bytes:
    """Return what is in a file of at most `max_bytes` bytes, whatever Discord says of its size.

    Raises:
        InvalidOption: it has more.
        DownloadFailed: Discord doesn't give it.
    """
    try:
        return await download(attachment, max_bytes)
    except DownloadTooLarge:
        raise _too_large("more than Discord says", max_bytes) from None


def _too_large(size: str, max_bytes: int) -> InvalidOption:
    return InvalidOption(f"file of {size}", message=texts.file_too_large(max_bytes / 2**20))


def build_attachments(attachments: Iterable[discord.Attachment]) -> tuple[Attachment, ...]:
    """Return a message's files, not downloaded yet."""
    return tuple(map(_build_attachment, attachments))


def _build_attachment(attachment: discord.Attachment) -> Attachment:
    async def read(max_bytes: int) -> bytes:
        try:
            return await download(attachment, max_bytes)
        except DownloadTooLarge:
            raise FileTooLarge from None
        except DownloadFailed as error:
            raise UnreadableFile(f"not fetched: {error}", message=texts.download_failed()) from None

    media_type = (attachment.content_type or "").partition(";")[0].strip().lower()
    return Attachment(attachment.filename, attachment.size, media_type, attachment.width, attachment.height, read)
