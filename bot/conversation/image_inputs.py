"""Prepares images for models: no larger than models look at, upright, and without metadata."""

import io
from typing import TYPE_CHECKING, Final

from bot.api.image_validation import get_orientation, open_image

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE: Final = 1536
"""Pixels. Models scale larger images down (OpenAI to 768 for the shorter side): more is paid for and not seen."""

MAX_PIXELS: Final = 16_000_000
MAX_BYTES: Final = 1024 * 1024
"""Of an image as it is sent; base64 adds a third."""

_TILE: Final = 512
_TOKENS_PER_TILE: Final = 170
_TOKENS_PER_IMAGE: Final = 85
_QUALITIES: Final = (85, 70, 50, 30)


def estimate_image_tokens(width: int, height: int) -> int:
    """Return the estimated tokens of an image, as OpenAI counts them: by tiles of 512 pixels."""
    scale = min(1.0, LONGEST_SIDE / max(width, height, 1))
    across, down = (max(1, -(-round(side * scale) // _TILE)) for side in (width, height))
    return _TOKENS_PER_IMAGE + _TOKENS_PER_TILE * across * down


def prepare_image(data: bytes) -> tuple[str, bytes, tuple[int, int]]:
    """Return an image as it is sent to a model: media type, file, and size in pixels. For a worker process.

    Raises:
        InvalidApiResponse: it is no image, damaged, or too large a one.
    """
    from PIL import Image

    with open_image(data, MAX_PIXELS) as (opened, media_type):
        size = _fit_size(*opened.size)
        opened.draft("RGB", size)  # a JPEG is decoded at half its size, or less, where that is enough
        opened.load()
        turned = get_orientation(opened)
        transparent = "A" in opened.getbands() or "transparency" in opened.info
        image: Image.Image = opened
        if image.mode != (mode := "RGBA" if transparent else "RGB"):
            image = image.convert(mode)
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if turned is not None:
        image = image.transpose(turned)
    return (*_encode(image, is_lossless=media_type in ("image/png", "image/gif")), image.size)


def _fit_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _encode(image: "Image", *, is_lossless: bool) -> tuple[str, bytes]:
    """Encode an image: lossless if it was (letters on a screen) and that is small enough, else as JPEG."""
    from PIL import Image

    if is_lossless and len(written := _save(image, "PNG", optimize=True)) <= MAX_BYTES:
        return "image/png", written
    if image.mode == "RGBA":
        background = Image.new("RGB", image.size, "white")
        background.paste(image, mask=image.getchannel("A"))
        image = background
    for quality in _QUALITIES:
        written = _save(image, "JPEG", quality=quality)
        if len(written) <= MAX_BYTES:
            break
    return "image/jpeg", written


def _save(image: "Image", kind: str, **how: object) -> bytes:
    plain = image.copy()
    plain.info = {}  # no metadata: it may say where the photo was taken
    file = io.BytesIO()
    plain.save(file, kind, **how)
    return file.getvalue()
