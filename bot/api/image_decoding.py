"""The answer to a request for pictures: an error, or entries that hold a picture as base64 text or name its address.

An answer may have 64 MB in pieces of any size, which take time and memory many times that when they are decoded: it is
read in a worker.
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

_LONGEST_ADDRESS: Final = 8 * 1024

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


class SourceKind(StrEnum):
    """What a part of the result is."""

    ERROR = "error"
    """The error object that came in place of pictures, in JSON."""
    DATA = "data"
    """A picture's bytes, as far as the base64 tells."""
    ADDRESS = "address"
    """Where a picture can be fetched."""
    FAULT = "fault"
    """Why a source gives no picture, for the log."""


ImageSource = tuple[int, SourceKind, bytes]
"""The number of an entry, what was found in it, and its bytes."""


def find_sources(body: bytes, most_entries: int, most_bytes: int) -> list[ImageSource]:
    """Return what is in an answer, in its order: several sources of one entry show the same picture. For a worker.

    Raises:
        InvalidApiResponse: it is not the expected JSON.
    """
    answer = decode(images_decoder, body, _CALL)
    if is_error(answer.error):
        return [(0, SourceKind.ERROR, bytes(answer.error)[:MAX_VALUE_BYTES])]
    found: list[ImageSource] = []
    entries = (raw for raw in answer.data or () if bytes(raw) != b"null")
    for number, raw in zip(range(most_entries), entries, strict=False):
        found += [(number, *each) for each in _sources(_entry(bytes(raw)), most_bytes)]
    return found


def _entry(raw: bytes) -> ImageEntry:
    """Read an entry; one that is none holds nothing."""
    try:
        return decode(image_decoder, raw, _CALL)
    except InvalidApiResponse:
        return ImageEntry()


def _sources(entry: ImageEntry, most_bytes: int) -> Sequence[tuple[SourceKind, bytes]]:
    """Return all sources of one picture: where an entry holds both the picture and an address, either will do."""
    found: list[tuple[SourceKind, bytes]] = []
    for source, is_address in ((entry.b64_json, False), (entry.url, True)):
        if not isinstance(source, str) or not source:
            continue
        if is_address and not _DATA_URL.match(source):
            found.append((SourceKind.ADDRESS, source[: _LONGEST_ADDRESS + 1].encode("utf-8", "replace")))
            continue
        try:
            found.append((SourceKind.DATA, decode_base64(source, most_bytes)))
        except InvalidApiResponse as error:
            found.append((SourceKind.FAULT, str(error).encode()))
    return found or [(SourceKind.FAULT, b"images: an entry without a picture")]


def decode_base64(text: str, most_bytes: int) -> bytes:
    """Decode base64 as servers write it: bare or as a `data:` address, of either alphabet, padded or not, in lines.

    Raises:
        InvalidApiResponse: it is too long, or none.
    """
    # What comes before a comma tells what follows: `data:image/png;base64`, or a part of that.
    text = text[text.find(",", 0, _LONGEST_BEGINNING) + 1 :]
    if len(text) > most_bytes // 3 * 4 + 4:
        raise InvalidApiResponse(f"images: {len(text)} characters of base64")
    if "%" in text:
        for escape, sign in _ESCAPES.items():
            text = text.replace(escape, sign)
    digits = text.encode("ascii", "ignore").translate(_TO_PLAIN, _NO_DIGITS)
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)
    except binascii.Error:
        raise InvalidApiResponse("images: no base64") from None
