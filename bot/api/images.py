"""Having a model draw: a prompt in, checked pictures out."""

import asyncio
import base64
import binascii
import logging
import re
import string
from collections.abc import Sequence
from typing import Final

from bot.api.deadlines import Deadlines
from bot.api.faults import MAX_FAULT_BYTES, fault_in_answer, refuses_in_words
from bot.api.fetching import PictureFetcher
from bot.api.payloads import (
    ImageEntry,
    ImagesRequest,
    any_json,
    decode,
    encode,
    image_entries,
    images_answers,
)
from bot.api.pictures import Picture
from bot.api.retries import Retries
from bot.api.transport import Transport
from bot.errors import ApiError, BrokenAnswer, ContentRefused
from bot.intake.workers import JobFailed, Workers

_log = logging.getLogger(__name__)

_CALL = "images"
_PATH = "/images/generations"

_DATA_URL: Final = re.compile(r"\s*data:", re.IGNORECASE)
_LONGEST_BEGINNING: Final = 200
# All that an address may escape in base64; decoding any escape at all would take memory many times the text's.
_ESCAPES: Final = {
    "%2B": "+",
    "%2b": "+",
    "%2F": "/",
    "%2f": "/",
    "%3D": "",
    "%3d": "",
    "%0D": "",
    "%0d": "",
    "%0A": "",
    "%0a": "",
    "%20": "",
}
_DIGITS: Final = (string.ascii_letters + string.digits + "+/").encode()
_TO_PLAIN: Final = bytes.maketrans(b"-_", b"+/")
_NO_DIGITS: Final = bytes(set(range(256)) - set(_DIGITS) - set(b"-_"))


class Images:
    """Pictures, from the answer itself or from the addresses it names."""

    def __init__(self, transport: Transport, retries: Retries, workers: Workers) -> None:
        self._transport = transport
        self._retries = retries
        self._fetcher = PictureFetcher(transport)
        self._workers = workers

    async def make(self, model: str, prompt: str, *, size: str | None, n: int) -> list[Picture]:
        """Give the usable ones among up to `n` pictures.

        Raises:
            ContentRefused: there is none, and the answer says in words that it was refused.
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

            answer = await self._retries.of_answer(_CALL, ask)
            try:
                return await self._pictures(_entries(answer)[:n], deadlines)
            except BrokenAnswer:
                if len(answer) <= MAX_FAULT_BYTES and refuses_in_words(any_json(answer)):
                    raise ContentRefused("images: refused in words") from None
                raise

    async def _pictures(self, entries: Sequence[ImageEntry], deadlines: Deadlines) -> list[Picture]:
        outcomes = [await self._picture(entry, deadlines) for entry in entries]
        pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        if not pictures:
            reasons = "; ".join(str(outcome) for outcome in outcomes) or "images: an empty list"
            raise BrokenAnswer(reasons)
        for outcome in outcomes:
            if isinstance(outcome, ApiError):
                _log.warning("images: one cannot be used (%s)", outcome)
        return pictures

    async def _picture(self, entry: ImageEntry, deadlines: Deadlines) -> Picture | ApiError:
        """Give the picture, or why there is none: one bad picture must not take the others with it.

        Where an entry holds both the picture and an address, either will do.
        """
        fault: ApiError = BrokenAnswer("images: an entry without a picture")
        for source, is_address in ((entry.b64_json, False), (entry.url, True)):
            if isinstance(source, str) and source:
                try:
                    return await self._picture_of(source, deadlines, is_address=is_address)
                except ApiError as error:
                    fault = error
        return fault

    async def _picture_of(self, source: str, deadlines: Deadlines, *, is_address: bool) -> Picture:
        limits = self._transport.limits
        if is_address and not _DATA_URL.match(source):
            data = await self._fetcher.fetch(source, deadlines)
        else:
            data = await asyncio.to_thread(_from_base64, source, limits.picture_bytes)
        return await self._checked(data)

    async def _checked(self, data: bytes) -> Picture:
        """Make sure that it is a picture, and a whole one.

        Raises:
            BrokenAnswer: it is not.
        """
        try:
            result = await self._workers.run("check picture", [data], most_pixels=self._transport.limits.picture_pixels)
        except JobFailed as error:
            raise BrokenAnswer(f"images: {error}") from error
        found = result.facts
        return Picture(data, str(found["media_type"]), int(found["width"]), int(found["height"]))


def _entries(body: bytes) -> list[ImageEntry]:
    answer = decode(images_answers, body, _CALL)
    if answer.error:
        raise fault_in_answer(_CALL, {"error": answer.error})
    return [_entry(bytes(raw)) for raw in answer.data or () if bytes(raw) != b"null"]


def _entry(raw: bytes) -> ImageEntry:
    """Read an entry; one that is none holds nothing."""
    try:
        return decode(image_entries, raw, _CALL)
    except BrokenAnswer:
        return ImageEntry()


def _from_base64(text: str, max_bytes: int) -> bytes:
    """Decode base64 as servers write it: bare or as a `data:` address, of either alphabet, padded or not, in lines.

    Raises:
        BrokenAnswer: it is too long, or none.
    """
    # What comes before a comma tells what follows: `data:image/png;base64`, or a part of that.
    text = text[text.find(",", 0, _LONGEST_BEGINNING) + 1 :]
    if len(text) > max_bytes // 3 * 4 + 4:
        raise BrokenAnswer(f"images: {len(text)} characters of base64")
    if "%" in text:
        for escape, sign in _ESCAPES.items():
            text = text.replace(escape, sign)
    digits = text.encode("ascii", "ignore").translate(_TO_PLAIN, _NO_DIGITS)
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)
    except binascii.Error:
        raise BrokenAnswer("images: no base64") from None
