"""What the bot and a worker send each other through pipes: a head in JSON, and parts of any bytes.

A frame is the head's length in four bytes, the head, and then the parts. The head has their sizes.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any, Final

PREFIX: Final = struct.Struct(">I")
MOST_HEAD_BYTES: Final = 64 * 1024
MOST_PARTS: Final = 64
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of all parts of a frame together."""

Head = dict[str, Any]  # Any: whatever JSON holds


class BadFrame(Exception):
    """What came is no frame, or one over the bounds."""


def packed(head: Head, parts: Sequence[bytes]) -> bytes:
    """Return the beginning of a frame, up to its parts.

    Raises:
        BadFrame: it is over the bounds.
    """
    sizes = [len(part) for part in parts]
    if len(sizes) > MOST_PARTS or sum(sizes) > MOST_BYTES:
        raise BadFrame(f"{len(sizes)} parts of {sum(sizes)} bytes")
    body = json.dumps({**head, "sizes": sizes}).encode()
    if len(body) > MOST_HEAD_BYTES:
        raise BadFrame(f"a head of {len(body)} bytes")
    return PREFIX.pack(len(body)) + body


def head_bytes(prefix: bytes) -> int:
    """Return how long the head is that follows `prefix`.

    Raises:
        BadFrame: it is over the bound.
    """
    (size,) = PREFIX.unpack(prefix)
    if size > MOST_HEAD_BYTES:
        raise BadFrame(f"a head of {size} bytes")
    return int(size)


def unpacked(body: bytes) -> tuple[Head, list[int]]:
    """Return a head and the sizes of the parts that follow it.

    Raises:
        BadFrame: it is none, or its parts are over the bounds.
    """
    try:
        head = json.loads(body)
        sizes = head.pop("sizes")
        sound = len(sizes) <= MOST_PARTS and all(type(size) is int and size >= 0 for size in sizes)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise BadFrame("no head") from None
    if not sound or sum(sizes) > MOST_BYTES:
        raise BadFrame(f"{len(sizes)} parts")
    return head, sizes
