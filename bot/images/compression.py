"""A smaller file of a picture: WebP at falling quality, then with fewer pixels, which also takes its metadata out.

All of this is for a worker; Pillow is imported when first used.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.api.image_validation import MAX_GENERATED_PIXELS, get_orientation, open_image
from bot.errors import BotError
from bot.messages.message import plain

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_WEBP_SIDE: Final = 16_383  # the format's own limit, in pixels
_QUALITIES: Final = (90, 75, 60)
_SMALLEST_SIDE: Final = 64


class ImageTooLarge(BotError):
    """No version of the picture that is worth looking at fits."""

    message = plain("The picture is too big for a file here.")


def compress(data: bytes, limit: int) -> bytes:
    """Encode a picture anew in at most `limit` bytes. For a worker.

    Raises:
        ImageTooLarge: it would have to be smaller than a thumbnail.
        InvalidApiResponse: it cannot be decoded.
    """
    with open_image(data, MAX_GENERATED_PIXELS) as (opened, _):
        picture = _plain(opened)
    for version, quality in _versions(picture):
        written = io.BytesIO()
        try:
            version.save(written, "WEBP", quality=quality, icc_profile=picture.info.get("icc_profile"))
        except (MemoryError, ValueError):
            continue  # noise of many pixels takes more memory than a worker has
        if written.tell() <= limit:
            return written.getvalue()
    raise ImageTooLarge(f"a picture of {len(data)} bytes does not fit into {limit}")


def _plain(opened: "ImageFile") -> "Image":
    """Decode the (first) picture upright, with its colour profile and no other metadata."""
    opened.load()
    profile = opened.info.get("icc_profile")
    transparent = "A" in opened.getbands() or "transparency" in opened.info
    mode = "RGBA" if transparent else "RGB"
    # A profile for another colour space (CMYK, grey) would be wrong after the conversion.
    keeps_colours = profile and opened.mode in {"RGB", "RGBA"}
    turned = get_orientation(opened)
    upright: Image = opened.convert(mode) if turned is None else opened.transpose(turned).convert(mode)
    upright.info = {"icc_profile": profile} if keeps_colours else {}
    return upright


def _versions(picture: "Image") -> Iterator[tuple["Image", int]]:
    """Yield ever smaller versions: quality falls first, then the sides."""
    from PIL.Image import Resampling

    longest = max(picture.size)
    if longest <= _WEBP_SIDE:
        for quality in _QUALITIES:
            yield picture, quality
    side = min(longest, _WEBP_SIDE) * 3 // 4
    while side >= _SMALLEST_SIDE:
        scale = side / longest
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        yield picture.resize(size, Resampling.LANCZOS), _QUALITIES[1]
        side = side * 3 // 4
