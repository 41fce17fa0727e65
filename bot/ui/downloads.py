"""Files from Discord, bounded while they are read: what it says of their size is looked at, and not relied on."""

import asyncio
from typing import Any, Final

import discord

FETCHED_WITHIN_S: Final = 30.0
_CHUNK: Final = 64 * 1024


class MoreThanAsked(Exception):
    """A file goes on beyond the bound; the rest of it is not read."""


async def download(attachment: discord.Attachment, most: int) -> bytes:
    """Return what is in a file of at most `most` bytes.

    Raises:
        MoreThanAsked: it is larger.
        discord.HTTPException: Discord doesn't give it.
        Exception: a connection that failed, or took too long: aiohttp's errors, which have nothing in common.
    """
    # `Attachment.read` takes whatever comes into memory first. This does as `HTTPClient.get_from_cdn` does.
    http: Any = attachment._http
    kept = bytearray()
    async with (
        asyncio.timeout(FETCHED_WITHIN_S),
        http._HTTPClient__session.get(
            attachment.url, proxy=http.proxy, proxy_auth=http.proxy_auth, headers={"Accept-Encoding": "identity"}
        ) as response,
    ):
        if response.status != 200:
            raise discord.HTTPException(response, "file not given")
        async for chunk in response.content.iter_chunked(_CHUNK):
            kept += chunk
            if len(kept) > most:
                response.close()
                raise MoreThanAsked
    return bytes(kept)
