"""Real pictures for tests."""

import io
import random
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
