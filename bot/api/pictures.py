"""Telling a picture from what only claims to be one, before anybody shows it."""

import io
from dataclasses import dataclass

from bot.errors import BrokenAnswer

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png"),
    (b"\xff\xd8\xff", "JPEG", "image/jpeg"),
    (b"GIF87a", "GIF", "image/gif"),
    (b"GIF89a", "GIF", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it came: the file, what it is (by content) and its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int

    def __repr__(self) -> str:
        return f"Picture({self.media_type}, {self.width}×{self.height}, {len(self.data)} bytes)"


def open_picture(data: bytes, max_pixels: int) -> Picture:
    """Check that `data` is a whole PNG, JPEG, WebP or GIF of at most `max_pixels`. Blocks: call it in a thread.

    Raises:
        BrokenAnswer: it is not.
    """
    kind = _sniff(data)
    if kind is None:
        raise BrokenAnswer(f"images: {len(data)} bytes that are no picture")
    name, media_type = kind
    # Imported when the first picture comes: most runs never see one.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise BrokenAnswer(f"images: a picture of {width}×{height} pixels")
            # Opening reads the header only; a file that breaks off shows when it is decoded.
            image.load()
    except BrokenAnswer:
        raise
    except Exception as error:
        # Pillow's readers raise whatever they stumble over in a damaged file: OSError, SyntaxError, struct.error,
        # ValueError, its own bomb errors and more.
        raise BrokenAnswer(f"images: a damaged {name} ({type(error).__name__})") from None
    return Picture(data, media_type, width, height)


def _sniff(data: bytes) -> tuple[str, str] | None:
    """Give Pillow's name and the media type of what `data` begins like."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP", "image/webp"
    for magic, name, media_type in _MAGIC:
        if data.startswith(magic):
            return name, media_type
    return None
