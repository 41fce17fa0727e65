"""Having a model draw: a prompt in, checked pictures out."""

import asyncio
import base64
import binascii
from collections.abc import Sequence

from bot.api.deadlines import Deadlines
from bot.api.faults import fault_in_answer
from bot.api.fetching import PictureFetcher
from bot.api.payloads import ImageEntry, ImagesRequest, decode, encode, images_answers
from bot.api.pictures import Picture, open_picture
from bot.api.retries import Retries
from bot.api.transport import Transport
from bot.errors import ApiError, BrokenAnswer

_CALL = "images"
_PATH = "/images/generations"
# A decoded picture takes up to 4 bytes a pixel while it is checked.
_CHECKED_AT_ONCE = 2


class Images:
    """Pictures, from the answer itself or from the addresses it names."""

    def __init__(self, transport: Transport, retries: Retries) -> None:
        self._transport = transport
        self._retries = retries
        self._fetcher = PictureFetcher(transport)
        self._checking = asyncio.Semaphore(_CHECKED_AT_ONCE)

    async def make(self, model: str, prompt: str, *, size: str | None, n: int) -> list[Picture]:
        """Give the usable ones among up to `n` pictures.

        Raises:
            BrokenAnswer: none of them is a picture.
        """
        body = encode(ImagesRequest(model, prompt, n, size))
        limits = self._transport.limits
        with self._transport.deadlines(_CALL) as deadlines:

            async def ask() -> bytes:
                async with self._transport.open(
                    deadlines,
                    _CALL,
                    _PATH,
                    body,
                    first_byte_s=limits.made_first_byte_s,
                    max_bytes=limits.pictures_bytes,
                ) as reply:
                    return await reply.read_whole()

            entries = _entries(await self._retries.of_answer(_CALL, ask))[:n]
            return await self._pictures(entries, deadlines)

    async def _pictures(self, entries: Sequence[ImageEntry], deadlines: Deadlines) -> list[Picture]:
        outcomes = [await self._picture(entry, deadlines) for entry in entries]
        pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        if not pictures:
            reasons = "; ".join(str(outcome) for outcome in outcomes) or "images: an empty list"
            raise BrokenAnswer(reasons)
        return pictures

    async def _picture(self, entry: ImageEntry, deadlines: Deadlines) -> Picture | ApiError:
        """Give the picture, or why there is none: one bad picture must not take the others with it."""
        limits = self._transport.limits
        try:
            match entry:
                case ImageEntry(b64_json=str(text)) if text:
                    data = await asyncio.to_thread(_from_base64, text, limits.picture_bytes)
                case ImageEntry(url=str(url)) if url.startswith("data:"):
                    data = await asyncio.to_thread(_from_base64, url, limits.picture_bytes)
                case ImageEntry(url=str(url)) if url:
                    data = await self._fetcher.fetch(url, deadlines)
                case _:
                    return BrokenAnswer("images: an entry without a picture")
            async with self._checking:
                return await asyncio.to_thread(open_picture, data, limits.picture_pixels)
        except ApiError as error:
            return error


def _entries(body: bytes) -> list[ImageEntry]:
    answer = decode(images_answers, body, _CALL)
    if answer.error:
        raise fault_in_answer(_CALL, {"error": answer.error})
    return [entry for entry in answer.data or () if entry is not None]


def _from_base64(text: str, max_bytes: int) -> bytes:
    """Decode base64, bare or as a `data:` address.

    Raises:
        BrokenAnswer: it is too long, or none.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if len(text) > max_bytes // 3 * 4 + 4:
        raise BrokenAnswer(f"images: {len(text)} characters of base64")
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise BrokenAnswer("images: no base64") from None
