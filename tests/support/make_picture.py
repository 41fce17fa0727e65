"""Real pictures for tests."""

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image


def picture(
    width: int, height: int, *, kind: str = "PNG", noise: bool = False, mode: str = "RGB", **saving: Any
) -> bytes:
    """Encode a picture: one colour, or noise, which no encoder can make small without loss."""
    if noise:
        pixels = random.Random(width * height).randbytes(width * height * len(mode))
        drawn = Image.frombytes(mode, (width, height), pixels)
    else:
        drawn = Image.new(mode, (width, height), "teal")
    written = io.BytesIO()
    drawn.save(written, kind, **saving)
    return written.getvalue()


def many_scans(scans: int, *, side: int = 64) -> bytes:
    """Encode a progressive JPEG whose last scan comes so many times more."""
    jpeg = picture(side, side, kind="JPEG", noise=side < 100, progressive=True)
    at = jpeg.rindex(b"\xff\xda")
    begin = jpeg.rindex(b"\xff\xc4", 0, at)  # with the table that it needs
    return jpeg[:-2] + jpeg[begin:-2] * scans + b"\xff\xd9"


def with_text_chunk(png: bytes, text: bytes) -> bytes:
    """Put a compressed text behind a PNG's header, as drawing programs do with their workflows."""
    body = b"zTXtworkflow\0\0" + zlib.compress(text)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]
