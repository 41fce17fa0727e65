"""Compresses an image: WebP at falling quality, then with fewer pixels; its metadata is removed.

All of this runs in a worker; Pillow is imported when it is first used.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.api.image_validation import MAX_GENERATED_PIXELS, get_orientation, open_image
from bot.errors import BotError
from bot.messages import images as texts

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_MAX_WEBP_SIDE: Final = 16_383  # the format's own limit, in pixels
_QUALITIES: Final = (90, 75, 60)
_MIN_SIDE: Final = 64


class ImageTooLarge(BotError):
    """No version of the image of a useful size fits."""

    message = texts.too_large()


def compress(data: bytes, limit: int) -> bytes:
    """Return an image encoded in at most `limit` bytes. For a worker.

    Raises:
        ImageTooLarge: it would have to be smaller than a thumbnail.
        InvalidApiResponse: it cannot be decoded.
    """
    with open_image(data, MAX_GENERATED_PIXELS) as (opened, _):
        image = _decode_upright(opened)
    for version, quality in _versions(image):
        output = io.BytesIO()
        try:
            version.save(output, "WEBP", quality=quality, icc_profile=image.info.get("icc_profile"))
        except (MemoryError, ValueError):
            continue  # noise of many pixels takes more memory than a worker has
        if output.tell() <= limit:
            return output.getvalue()
    raise ImageTooLarge(f"an image of {len(data)} bytes does not fit into {limit}")


def _decode_upright(opened: "ImageFile") -> "Image":
    """Return the (first) image decoded and upright, with its colour profile and no other metadata."""
    opened.load()
    profile = opened.info.get("icc_profile")
    transparent = "A" in opened.getbands() or "transparency" in opened.info
    mode = "RGBA" if transparent else "RGB"
    # A profile for another colour space (CMYK, grey) would be wrong after the conversion.
    keeps_profile = profile and opened.mode in {"RGB", "RGBA"}
    turned = get_orientation(opened)
    upright: Image = opened.convert(mode) if turned is None else opened.transpose(turned).convert(mode)
    upright.info = {"icc_profile": profile} if keeps_profile else {}
    return upright


def _versions(image: "Image") -> Iterator[tuple["Image", int]]:
    """Yield ever smaller versions: quality falls first, then the sides."""
    from PIL.Image import Resampling

    longest_side = max(image.size)
    if longest_side <= _MAX_WEBP_SIDE:
        for quality in _QUALITIES:
            yield image, quality
    side = min(longest_side, _MAX_WEBP_SIDE) * 3 // 4
    while side >= _MIN_SIDE:
        scale = side / longest_side
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        yield image.resize(size, Resampling.LANCZOS), _QUALITIES[1]
        side = side * 3 // 4
