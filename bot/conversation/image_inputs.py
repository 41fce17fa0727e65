"""Pictures as models take them: no larger than they look at, upright, and without what cameras write into them."""

import io
from typing import TYPE_CHECKING, Final

from bot.api.image_validation import get_orientation, open_image

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE: Final = 1536
"""Pixels. Models scale down what is larger (OpenAI to 768 for the shorter side), so more is paid for and not seen."""

MOST_PIXELS: Final = 16_000_000
MOST_BYTES: Final = 1024 * 1024
"""Of a picture as it is sent; base64 adds a third."""

_TILE: Final = 512
_TOKENS_A_TILE: Final = 170
_TOKENS_A_PICTURE: Final = 85
_QUALITIES: Final = (85, 70, 50, 30)


def tokens_of(width: int, height: int) -> int:
    """Estimate what a picture takes, as OpenAI counts it: by tiles of 512 pixels."""
    scale = min(1.0, LONGEST_SIDE / max(width, height, 1))
    across, down = (max(1, -(-round(side * scale) // _TILE)) for side in (width, height))
    return _TOKENS_A_PICTURE + _TOKENS_A_TILE * across * down


def shown(data: bytes) -> tuple[str, bytes, tuple[int, int]]:
    """Return a picture as a model is to see it: its media type, the file, and its size in pixels. For a worker.

    Raises:
        InvalidApiResponse: it is no picture, damaged, or too large a one.
    """
    from PIL import Image

    with open_image(data, MOST_PIXELS) as (opened, media_type):
        size = _size_shown(*opened.size)
        opened.draft("RGB", size)  # a JPEG is decoded at half its size, or less, where that is enough
        opened.load()
        turned = get_orientation(opened)
        transparent = "A" in opened.getbands() or "transparency" in opened.info
        picture: Image.Image = opened
        if picture.mode != (mode := "RGBA" if transparent else "RGB"):
            picture = picture.convert(mode)
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if turned is not None:
        picture = picture.transpose(turned)
    return (*_written(picture, drawn=media_type in ("image/png", "image/gif")), picture.size)


def _size_shown(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _written(picture: "Image", *, drawn: bool) -> tuple[str, bytes]:
    """Encode a picture: without loss where it was (letters on a screen), while that is small enough."""
    from PIL import Image

    if drawn and len(written := _encoded(picture, "PNG", optimize=True)) <= MOST_BYTES:
        return "image/png", written
    if picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    for quality in _QUALITIES:
        written = _encoded(picture, "JPEG", quality=quality)
        if len(written) <= MOST_BYTES:
            break
    return "image/jpeg", written


def _encoded(picture: "Image", kind: str, **how: object) -> bytes:
    plain = picture.copy()
    plain.info = {}  # where and with what it was taken is nobody's business
    file = io.BytesIO()
    plain.save(file, kind, **how)
    return file.getvalue()
