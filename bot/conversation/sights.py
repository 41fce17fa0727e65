"""Pictures as models take them: no larger than they look at, upright, and without what cameras write into them."""

import base64
import io
from typing import TYPE_CHECKING, Final

from bot.api.pictures import open_picture
from bot.conversation.material import Sight
from bot.errors import BrokenAnswer

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE: Final = 1536
"""Pixels. Models scale down what is larger (OpenAI to 768 for the shorter side), so more is paid for and not seen."""

MOST_PIXELS: Final = 50_000_000
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


def sight_of(data: bytes) -> Sight | None:
    """Make a picture ready for a model; None where it is none, or too large a one. Blocks: call it in a thread."""
    from PIL import Image, ImageOps

    try:
        found = open_picture(data, MOST_PIXELS)
    except BrokenAnswer:
        return None
    with Image.open(io.BytesIO(data)) as opened:
        picture = ImageOps.exif_transpose(opened)
        see_through = "A" in picture.getbands() or "transparency" in picture.info
        picture = picture.convert("RGBA" if see_through else "RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    media_type, written = _written(picture, drawn=found.media_type in ("image/png", "image/gif"))
    address = f"data:{media_type};base64,{base64.b64encode(written).decode()}"
    return Sight.of(address, tokens_of(*picture.size))


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
