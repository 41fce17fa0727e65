"""Pictures that fit into a message: each within the upload limit, all of them within one request.

What fits is passed on byte for byte. What does not becomes WebP at falling quality, then smaller, which also takes its
metadata out. Blocks, and belongs into a thread; Pillow is imported when first used.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.errors import BotError, BrokenAnswer

if TYPE_CHECKING:
    from PIL.Image import Image

REQUEST_LIMIT: Final = 25 * 1024 * 1024  # Discord, message create: all files and fields of a request together
_AROUND_FILES: Final = 64 * 1024  # boundaries, headers and the JSON with its alt texts, generously
_WEBP_SIDE: Final = 16_383  # the format's own limit, in pixels
_QUALITIES: Final = (90, 75, 60)
_SMALLEST_SIDE: Final = 64
_BY_TYPE: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


class PictureTooBig(BotError):
    """No version of the picture that is worth looking at fits."""

    sentence = "The picture is too big for a file here."


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture as it is sent; `extension` is without the dot."""

    data: bytes
    extension: str


def fit(
    pictures: Sequence[tuple[bytes, str]], upload_limit: int, request_limit: int = REQUEST_LIMIT
) -> list[Fitted | BotError]:
    """Make each of `pictures` (data and media type) fit; what stands in a picture's place tells why it could not.

    `upload_limit` is for one file and `request_limit` for all of them, in bytes. The faults are `PictureTooBig` and
    `BrokenAnswer`.
    """
    allowed = _shares([len(data) for data, _ in pictures], upload_limit, request_limit)
    return [_fitted(data, kind, limit) for (data, kind), limit in zip(pictures, allowed, strict=True)]


def _shares(sizes: Sequence[int], upload_limit: int, request_limit: int) -> list[int]:
    """Tell how many bytes each file may have: small ones what they need, the others an even part of the rest."""
    left = request_limit - _AROUND_FILES
    shares = [0] * len(sizes)
    by_size = sorted(range(len(sizes)), key=sizes.__getitem__)
    for position, index in enumerate(by_size):
        even = left // (len(sizes) - position)
        shares[index] = min(even, upload_limit)
        left -= min(sizes[index], shares[index])
    return shares


def _fitted(data: bytes, media_type: str, limit: int) -> Fitted | BotError:
    if len(data) <= limit:
        return Fitted(data, _BY_TYPE.get(media_type, "png"))
    try:
        return Fitted(_smaller(data, limit), "webp")
    except (PictureTooBig, BrokenAnswer) as fault:
        return fault


def _smaller(data: bytes, limit: int) -> bytes:
    """Encode a picture anew in at most `limit` bytes.

    Raises:
        PictureTooBig: it would have to be smaller than a thumbnail.
        BrokenAnswer: it cannot be decoded.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = _plain(opened)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenAnswer(f"a picture of {len(data)} bytes cannot be decoded") from error
    for version, quality in _versions(picture):
        written = io.BytesIO()
        version.save(written, "WEBP", quality=quality, icc_profile=picture.info.get("icc_profile"))
        if written.tell() <= limit:
            return written.getvalue()
    raise PictureTooBig(f"a picture of {len(data)} bytes does not fit into {limit}")


def _plain(opened: "Image") -> "Image":
    """Decode the (first) picture upright, with its colour profile and no other metadata."""
    from PIL import ImageOps

    profile = opened.info.get("icc_profile")
    see_through = "A" in opened.getbands() or "transparency" in opened.info
    upright = ImageOps.exif_transpose(opened).convert("RGBA" if see_through else "RGB")
    # A profile for another colour space (CMYK, grey) would be wrong after the conversion.
    upright.info = {"icc_profile": profile} if profile and opened.mode in {"RGB", "RGBA"} else {}
    return upright


def _versions(picture: "Image") -> Iterator[tuple["Image", int]]:
    """Give ever smaller versions: quality falls first, then the sides."""
    from PIL.Image import Resampling

    longest = max(picture.size)
    if longest <= _WEBP_SIDE:
        for quality in _QUALITIES:
            yield picture, quality
    side = min(longest, _WEBP_SIDE) * 3 // 4
    while side >= _SMALLEST_SIDE:
        scale = side / longest
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        yield picture.resize(size, Resampling.LANCZOS), _QUALITIES[1]
        side = side * 3 // 4
