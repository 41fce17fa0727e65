"""Telling a picture from what only claims to be one, and decoding it without what stands beside its pixels.

Metadata is left out before the decoder sees it: a workflow of some megabytes or a damaged camera note must not make
a good picture look like a bad one.
"""

import io
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.errors import InvalidApiResponse

if TYPE_CHECKING:
    from PIL.Image import Image, Transpose
    from PIL.ImageFile import ImageFile

MAX_GENERATED_PIXELS: Final = 4096 * 4096  # as large as models draw

MAX_SCANS: Final = 64
"""Of a JPEG. Encoders write ten; each takes about 20 ms at 16 megapixels, in a few bytes."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png"),
    (b"\xff\xd8\xff", "JPEG", "image/jpeg"),
    (b"GIF87a", "GIF", "image/gif"),
    (b"GIF89a", "GIF", "image/gif"),
)

# https://www.w3.org/TR/png-3/#4Concepts.FormatChunks
_PNG_HEAD: Final = 8
_PNG_PIXELS: Final = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS")
_PNG_AROUND: Final = 12  # bytes of a chunk beside what is in it
_MOST_EXTRA: Final = 1024 * 1024

# https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B
_EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_KEPT_APPS: Final = {_APP0: b"JFIF", _APP1: b"Exif\0\0", _APP2: b"ICC_PROFILE\0", _APP14: b"Adobe"}
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_MARKER_IN_SCAN: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # all but stuffed bytes and restarts


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """A picture as it came: the file, what it is (by content) and its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int

    def __repr__(self) -> str:
        return f"GeneratedImage({self.media_type}, {self.width}×{self.height}, {len(self.data)} bytes)"


def validate_image(data: bytes, max_pixels: int) -> GeneratedImage:
    """Check that `data` is a whole PNG, JPEG, WebP or GIF of at most `max_pixels`. For a worker.

    Raises:
        InvalidApiResponse: it is not.
    """
    with open_image(data, max_pixels) as (image, media_type):
        # Opening reads the header only; a file that breaks off shows when it is decoded.
        image.load()
        return GeneratedImage(data, media_type, *image.size)


@contextmanager
def open_image(data: bytes, max_pixels: int) -> Iterator[tuple["ImageFile", str]]:
    """Yield a picture that is opened and not decoded yet, and its media type. For a worker.

    Raises:
        InvalidApiResponse: it is none, is damaged as far as the block finds out, or has more than `max_pixels`.
    """
    kind = _sniff(data)
    if kind is None:
        raise InvalidApiResponse(f"images: {len(data)} bytes that are no picture")
    name, media_type = kind
    # Imported when the first picture comes: most processes never see one.
    from PIL import Image

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(_without_metadata(name, data)), formats=[name]) as image,
        ):
            width, height = image.size
            if width * height > max_pixels:
                raise InvalidApiResponse(f"images: a picture of {width}×{height} pixels")
            yield image, media_type
    except (InvalidApiResponse, MemoryError):
        raise
    except Exception as error:
        # Pillow's readers raise whatever they stumble over in a damaged file: OSError, SyntaxError, struct.error,
        # ValueError, its own bomb errors and more.
        raise InvalidApiResponse(f"images: a damaged {name} ({type(error).__name__})") from None


def get_orientation(picture: "Image") -> "Transpose | None":
    """Return how a picture has to be turned; None where its note says nothing or cannot be read."""
    from PIL.ExifTags import Base
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        return turns[picture.getexif()[Base.Orientation]]
    except Exception:
        # Cameras and editors write all sorts of things there, and Pillow raises whatever it stumbles over.
        return None


def _sniff(data: bytes) -> tuple[str, str] | None:
    """Give Pillow's name and the media type of what `data` begins like."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP", "image/webp"
    for magic, name, media_type in _MAGIC:
        if data.startswith(magic):
            return name, media_type
    return None


def _without_metadata(name: str, data: bytes) -> bytes:
    match name:
        case "PNG":
            parts = _png_pixels(memoryview(data))
        case "JPEG":
            parts = _jpeg_pixels(memoryview(data))
        case _:
            return data
    kept = bytearray()
    for part in parts:  # one by one: there may be millions
        kept += part
    return bytes(kept)


def _png_pixels(data: memoryview) -> Iterator[memoryview]:
    """Yield a PNG's chunks with pixels, and of the others a sound colour profile and orientation."""
    yield data[:_PNG_HEAD]
    at = _PNG_HEAD
    while at < len(data):
        end = at + _PNG_AROUND + int.from_bytes(data[at : at + 4], "big")
        kind = bytes(data[at + 4 : at + 8])
        if kind in _PNG_PIXELS or end > len(data) or (kind in (b"iCCP", b"eXIf") and _is_sound(data[at:end])):
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end


def _is_sound(chunk: memoryview) -> bool:
    """Whether one of the chunks that are not needed would be read without a complaint."""
    kind, body = bytes(chunk[4:8]), bytes(chunk[8:-4])
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big") or len(body) > _MOST_EXTRA:
        return False
    if kind != b"iCCP":
        return True
    packed = body[body.find(b"\0") + 2 :]
    try:
        unpacking = zlib.decompressobj()
        unpacking.decompress(packed, _MOST_EXTRA)
    except zlib.error:
        return False
    return unpacking.eof


def _jpeg_pixels(data: memoryview) -> Iterator[memoryview]:
    """Yield a JPEG's segments with pixels, and of the others colour profile and camera notes.

    Raises:
        InvalidApiResponse: it has far more scans than a picture needs.
    """
    yield data[:2]
    at, scans = 2, 0
    while found := (_MARKER_IN_SCAN if scans else _MARKER).search(data, at):
        marker, begin, body = found[1][0], found.start(), found.end()
        if scans:
            yield data[at:begin]
        if marker == _EOI:
            yield data[begin:body]
            return
        end = body + int.from_bytes(data[body : body + 2], "big")
        kept = marker not in range(_APP0, _APP15 + 1) and marker != _COM
        if kept or bytes(data[body + 2 : body + 18]).startswith(_KEPT_APPS.get(marker, b"nothing")):
            yield data[begin:end]
        if marker == _SOS:
            scans += 1
            if scans > MAX_SCANS:
                raise InvalidApiResponse(f"images: a JPEG of more than {MAX_SCANS} scans")
        at = end
    yield data[at:]
