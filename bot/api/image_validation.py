"""Validates that bytes are an image, and opens images without their metadata.

Metadata is removed before the decoder sees it: a workflow of some megabytes or a damaged EXIF block must not make a
good image look like a bad one.
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

MAX_GENERATED_PIXELS: Final = 4096 * 4096  # as large as models generate

MAX_SCANS: Final = 64
"""Of a JPEG. Encoders write ten; each takes about 20 ms to decode at 16 megapixels, and only a few bytes."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png"),
    (b"\xff\xd8\xff", "JPEG", "image/jpeg"),
    (b"GIF87a", "GIF", "image/gif"),
    (b"GIF89a", "GIF", "image/gif"),
)

# https://www.w3.org/TR/png-3/#4Concepts.FormatChunks
_PNG_SIGNATURE_BYTES: Final = 8
_PNG_PIXEL_CHUNKS: Final = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS")
_PNG_CHUNK_OVERHEAD_BYTES: Final = 12  # bytes of a chunk beside what is in it
_MAX_METADATA_BYTES: Final = 1024 * 1024

# https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B
_EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_KEPT_APP_SEGMENTS: Final = {_APP0: b"JFIF", _APP1: b"Exif\0\0", _APP2: b"ICC_PROFILE\0", _APP14: b"Adobe"}
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_MARKER_IN_SCAN: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # all but stuffed bytes and restarts


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """An image as it was received: the file, its media type (by content) and its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int

    def __repr__(self) -> str:
        return f"GeneratedImage({self.media_type}, {self.width}×{self.height}, {len(self.data)} bytes)"


def validate_image(data: bytes, max_pixels: int) -> GeneratedImage:
    """Return `data` as an image: a whole PNG, JPEG, WebP or GIF of at most `max_pixels`. For a worker.

    Raises:
        InvalidApiResponse: it is not one.
    """
    with open_image(data, max_pixels) as (image, media_type):
        # Opening reads the header only; a truncated file shows when it is decoded.
        image.load()
        return GeneratedImage(data, media_type, *image.size)


@contextmanager
def open_image(data: bytes, max_pixels: int) -> Iterator[tuple["ImageFile", str]]:
    """Yield an image that is opened and not decoded yet, and its media type. For a worker.

    Raises:
        InvalidApiResponse: it is not an image, has more than `max_pixels`, or shows to be damaged in the block.
    """
    kind = _detect_format(data)
    if kind is None:
        raise InvalidApiResponse(f"images: {len(data)} bytes that are no image")
    name, media_type = kind
    # Imported with the first image: most processes never open one.
    from PIL import Image

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(_without_metadata(name, data)), formats=[name]) as image,
        ):
            width, height = image.size
            if width * height > max_pixels:
                raise InvalidApiResponse(f"images: an image of {width}×{height} pixels")
            yield image, media_type
    except (InvalidApiResponse, MemoryError):
        raise
    except Exception as error:
        # Pillow raises many classes for damaged files: OSError, SyntaxError, struct.error, ValueError, its own
        # decompression bomb errors and more.
        raise InvalidApiResponse(f"images: a damaged {name} ({type(error).__name__})") from None


def get_orientation(image: "Image") -> "Transpose | None":
    """Return how an image has to be turned by its EXIF orientation; None if it has none or it cannot be read."""
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
        return turns[image.getexif()[Base.Orientation]]
    except Exception:
        # Cameras and editors write invalid EXIF, and Pillow raises many classes for it.
        return None


def _detect_format(data: bytes) -> tuple[str, str] | None:
    """Return Pillow's name and the media type of the format that `data` begins with."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP", "image/webp"
    for signature, name, media_type in _SIGNATURES:
        if data.startswith(signature):
            return name, media_type
    return None


def _without_metadata(name: str, data: bytes) -> bytes:
    match name:
        case "PNG":
            parts = _png_pixel_chunks(memoryview(data))
        case "JPEG":
            parts = _jpeg_pixel_segments(memoryview(data))
        case _:
            return data
    output = bytearray()
    for part in parts:  # one by one: there may be millions
        output += part
    return bytes(output)


def _png_pixel_chunks(data: memoryview) -> Iterator[memoryview]:
    """Yield a PNG's chunks with pixels, and of the others a valid colour profile and EXIF block."""
    yield data[:_PNG_SIGNATURE_BYTES]
    at = _PNG_SIGNATURE_BYTES
    while at < len(data):
        end = at + _PNG_CHUNK_OVERHEAD_BYTES + int.from_bytes(data[at : at + 4], "big")
        kind = bytes(data[at + 4 : at + 8])
        if (
            kind in _PNG_PIXEL_CHUNKS
            or end > len(data)
            or (kind in (b"iCCP", b"eXIf") and _is_valid_metadata(data[at:end]))
        ):
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end


def _is_valid_metadata(chunk: memoryview) -> bool:
    """Return whether Pillow would read an optional chunk without an error."""
    kind, body = bytes(chunk[4:8]), bytes(chunk[8:-4])
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big") or len(body) > _MAX_METADATA_BYTES:
        return False
    if kind != b"iCCP":
        return True
    compressed = body[body.find(b"\0") + 2 :]
    try:
        decompressor = zlib.decompressobj()
        decompressor.decompress(compressed, _MAX_METADATA_BYTES)
    except zlib.error:
        return False
    return decompressor.eof


def _jpeg_pixel_segments(data: memoryview) -> Iterator[memoryview]:
    """Yield a JPEG's segments with pixels, and of the others colour profile and EXIF.

    Raises:
        InvalidApiResponse: it has far more scans than an image needs.
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
        is_needed = marker not in range(_APP0, _APP15 + 1) and marker != _COM
        if is_needed or bytes(data[body + 2 : body + 18]).startswith(_KEPT_APP_SEGMENTS.get(marker, b"nothing")):
            yield data[begin:end]
        if marker == _SOS:
            scans += 1
            if scans > MAX_SCANS:
                raise InvalidApiResponse(f"images: a JPEG of more than {MAX_SCANS} scans")
        at = end
    yield data[at:]
