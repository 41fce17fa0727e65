"""Images in place of an image model's: seeded shapes with the word "sandbox"."""

import io
import random
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

MAX_SIDE = 4096
"""Pixels; more than any model offers."""


def render(prompt: str, width: int, height: int, *, seed: int = 0) -> bytes:
    """Return a PNG of this size; prompt and seed determine its content. Slow: call it in a thread."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = min(width, MAX_SIDE), min(height, MAX_SIDE)
    choice = random.Random(f"{seed}/{prompt}")  # noqa: S311 - variety, not secrecy
    low, high = _colour(choice, 20, 110), _colour(choice, 130, 235)
    sky = Image.linear_gradient("L").resize((width, height))
    ramps = ([a + (b - a) * level // 255 for level in range(256)] for a, b in zip(low, high, strict=True))
    image = Image.merge("RGB", [sky.point(ramp) for ramp in ramps])
    pen = ImageDraw.Draw(image, "RGBA")
    for _ in range(9):
        x, y = choice.randrange(width), choice.randrange(height)
        radius = choice.randrange(min(width, height) // 16 + 1, min(width, height) // 4 + 2)
        _shape(pen, choice, x, y, radius)
    size = max(8, min(width, height) // 12)
    font = ImageFont.load_default(size)
    pen.rectangle((0, height - 2 * size, width, height), fill=(0, 0, 0, 140))
    pen.text((width // 2, height - size), "sandbox", font=font, fill=(255, 255, 255, 255), anchor="mm")
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def build_oversized_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a small PNG whose header declares an image of gigabytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _colour(choice: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return choice.randint(low, high), choice.randint(low, high), choice.randint(low, high)


def _shape(pen: "ImageDraw", choice: random.Random, x: int, y: int, radius: int) -> None:
    fill = (*_colour(choice, 60, 255), choice.randint(90, 200))
    box = (x - radius, y - radius, x + radius, y + radius)
    match choice.randrange(3):
        case 0:
            pen.ellipse(box, fill=fill)
        case 1:
            pen.rounded_rectangle(box, radius // 4, fill=fill)
        case _:
            pen.regular_polygon((x, y, radius), choice.randint(3, 7), choice.randrange(360), fill=fill)
