"""The frames that the bot and a worker send through pipes: a head in JSON, and parts of any bytes.

A frame is the head's length in four bytes, the head, and then the parts. The head holds their sizes.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any, Final

PREFIX: Final = struct.Struct(">I")
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 64
MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""Of all parts of a frame together."""

Head = dict[str, Any]  # Any: whatever JSON holds


class InvalidFrame(Exception):
    """The received bytes are not a frame, or are over the bounds."""


def encode_head(head: Head, parts: Sequence[bytes]) -> bytes:
    """Return a frame's length and head, which its parts follow.

    Raises:
        InvalidFrame: it is over the bounds.
    """
    sizes = [len(part) for part in parts]
    if len(sizes) > MAX_PARTS or sum(sizes) > MAX_FRAME_BYTES:
        raise InvalidFrame(f"{len(sizes)} parts of {sum(sizes)} bytes")
    body = json.dumps({**head, "sizes": sizes}).encode()
    if len(body) > MAX_HEAD_BYTES:
        raise InvalidFrame(f"a head of {len(body)} bytes")
    return PREFIX.pack(len(body)) + body


def decode_head_length(prefix: bytes) -> int:
    """Return the length in bytes of the head that follows `prefix`.

    Raises:
        InvalidFrame: it is over the bound.
    """
    (size,) = PREFIX.unpack(prefix)
    if size > MAX_HEAD_BYTES:
        raise InvalidFrame(f"a head of {size} bytes")
    return int(size)


def decode_head(body: bytes) -> tuple[Head, list[int]]:
    """Return a head and the sizes of the parts that follow it.

    Raises:
        InvalidFrame: it is not a head, or its parts are over the bounds.
    """
    try:
        head = json.loads(body)
        sizes = head.pop("sizes")
        is_valid = len(sizes) <= MAX_PARTS and all(type(size) is int and size >= 0 for size in sizes)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise InvalidFrame("no head") from None
    if not is_valid or sum(sizes) > MAX_FRAME_BYTES:
        raise InvalidFrame(f"{len(sizes)} parts")
    return head, sizes
