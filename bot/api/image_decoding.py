"""Finds the images in a response: an error, or entries that hold an image as base64 text or its URL.

A response may have 64 MB in values of any size, which take many times that in memory when decoded: it is decoded in a
worker.
"""

import base64
import binascii
import re
import string
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from bot.api.payloads import MAX_VALUE_BYTES, ImageEntry, decode, image_decoder, images_decoder, is_error
from bot.errors import InvalidApiResponse

_CALL: Final = "images"

_MAX_URL_LENGTH: Final = 8 * 1024

_DATA_URL: Final = re.compile(r"\s*data:", re.IGNORECASE)
_MAX_PREFIX_LENGTH: Final = 200
# All that a data URL may escape in base64; decoding every escape would take many times the text's memory.
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
_ALPHABET: Final = (string.ascii_letters + string.digits + "+/").encode()
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_NOT_IN_ALPHABET: Final = bytes(set(range(256)) - set(_ALPHABET) - set(b"-_"))


class SourceKind(StrEnum):
    """What a part of the result holds."""

    ERROR = "error"
    """The error object in place of images, in JSON."""
    DATA = "data"
    """The image's bytes, decoded from base64 and not validated yet."""
    URL = "url"
    """The URL of the image."""
    UNUSABLE = "unusable"
    """Why a source holds no image, for the log."""


ImageSource = tuple[int, SourceKind, bytes]
"""The number of an entry, the kind of a source in it, and its bytes."""


def find_sources(body: bytes, max_entries: int, max_bytes: int) -> list[ImageSource]:
    """Return the sources in a response, in its order: several of one entry show the same image. For a worker.

    Raises:
        InvalidApiResponse: it is not the expected JSON.
    """
    response = decode(images_decoder, body, _CALL)
    if is_error(response.error):
        return [(0, SourceKind.ERROR, bytes(response.error)[:MAX_VALUE_BYTES])]
    found: list[ImageSource] = []
    entries = (raw for raw in response.data or () if bytes(raw) != b"null")
    for number, raw in zip(range(max_entries), entries, strict=False):
        found += [(number, *each) for each in _entry_sources(_decode_entry(bytes(raw)), max_bytes)]
    return found


def _decode_entry(raw: bytes) -> ImageEntry:
    """Return an entry; an empty one if it cannot be decoded."""
    try:
        return decode(image_decoder, raw, _CALL)
    except InvalidApiResponse:
        return ImageEntry()


def _entry_sources(entry: ImageEntry, max_bytes: int) -> Sequence[tuple[SourceKind, bytes]]:
    """Return all sources of one image: where an entry holds both the image and a URL, either will do."""
    found: list[tuple[SourceKind, bytes]] = []
    for source, is_url in ((entry.b64_json, False), (entry.url, True)):
        if not isinstance(source, str) or not source:
            continue
        if is_url and not _DATA_URL.match(source):
            found.append((SourceKind.URL, source[: _MAX_URL_LENGTH + 1].encode("utf-8", "replace")))
            continue
        try:
            found.append((SourceKind.DATA, decode_base64(source, max_bytes)))
        except InvalidApiResponse as error:
            found.append((SourceKind.UNUSABLE, str(error).encode()))
    return found or [(SourceKind.UNUSABLE, b"images: an entry without an image")]


def decode_base64(text: str, max_bytes: int) -> bytes:
    """Return decoded base64 as servers write it: bare or a `data:` URL, either alphabet, padded or not, in lines.

    Raises:
        InvalidApiResponse: it is too long, or not base64.
    """
    # Before a comma there is the media type: `data:image/png;base64`, or a part of that.
    text = text[text.find(",", 0, _MAX_PREFIX_LENGTH) + 1 :]
    if len(text) > max_bytes // 3 * 4 + 4:
        raise InvalidApiResponse(f"images: {len(text)} characters of base64")
    if "%" in text:
        for escape, sign in _ESCAPES.items():
            text = text.replace(escape, sign)
    encoded = text.encode("ascii", "ignore").translate(_TO_STANDARD, _NOT_IN_ALPHABET)
    try:
        return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise InvalidApiResponse("images: no base64") from None
