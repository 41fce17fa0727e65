"""A smaller file of a picture: WebP at falling quality, then with fewer pixels, which also takes its metadata out.

All of this is for a worker; Pillow is imported when first used.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.api.image_validation import decoding, orientation
from bot.api.limits import MOST_PIXELS_DRAWN
from bot.errors import BotError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile
from collections.abc import Sequence
from dataclasses import dataclass

from bot.errors import InvalidApiResponse
from bot.workers.pool import Failure, JobFailed, Workers

_WEBP_SIDE: Final = 16_383  # the format's own limit, in pixels
_QUALITIES: Final = (90, 75, 60)
_SMALLEST_SIDE: Final = 64


class ImageTooLarge(BotError):
    """No version of the picture that is worth looking at fits."""

    sentence = "The picture is too big for a file here."


def smaller(data: bytes, limit: int) -> bytes:
    """Encode a picture anew in at most `limit` bytes. For a worker.

    Raises:
        ImageTooLarge: it would have to be smaller than a thumbnail.
        InvalidApiResponse: it cannot be decoded.
    """
    with decoding(data, MOST_PIXELS_DRAWN) as (opened, _):
        picture = _plain(opened)
    for version, quality in _versions(picture):
        written = io.BytesIO()
        try:
            version.save(written, "WEBP", quality=quality, icc_profile=picture.info.get("icc_profile"))
        except (MemoryError, ValueError):
            continue  # noise of many pixels takes more memory than a worker has
        if written.tell() <= limit:
            return written.getvalue()
    raise ImageTooLarge(f"a picture of {len(data)} bytes does not fit into {limit}")


def _plain(opened: "ImageFile") -> "Image":
    """Decode the (first) picture upright, with its colour profile and no other metadata."""
    opened.load()
    profile = opened.info.get("icc_profile")
    run_shielded = "A" in opened.getbands() or "transparency" in opened.info
    mode = "RGBA" if run_shielded else "RGB"
    # A profile for another colour space (CMYK, grey) would be wrong after the conversion.
    keeps_colours = profile and opened.mode in {"RGB", "RGBA"}
    turned = orientation(opened)
    upright: Image = opened.convert(mode) if turned is None else opened.transpose(turned).convert(mode)
    upright.info = {"icc_profile": profile} if keeps_colours else {}
    return upright


def _versions(picture: "Image") -> Iterator[tuple["Image", int]]:
    """Yield ever smaller versions: quality falls first, then the sides."""
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


REQUEST_LIMIT: Final = 25 * 1024 * 1024  # Discord, message create: all files and fields of a request together
_AROUND_FILES: Final = 64 * 1024  # boundaries, headers and the JSON with its alt texts, generously
_WITHIN_S: Final = 30.0  # a large picture is encoded several times
_BY_TYPE: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


@dataclass(frozen=True, slots=True)
class CompressedImages:
    """A picture as it is sent; `extension` is without the dot."""

    data: bytes
    extension: str


async def fit(
    workers: Workers, pictures: Sequence[tuple[bytes, str]], upload_limit: int, request_limit: int = REQUEST_LIMIT
) -> list[CompressedImages | BotError]:
    """Make each of `pictures` (data and media type) fit; what stands in a picture's place tells why it could not.

    `upload_limit` is for one file and `request_limit` for all of them, in bytes. The faults are `ImageTooLarge` and
    `InvalidApiResponse`.
    """
    allowed = _shares([len(data) for data, _ in pictures], upload_limit, request_limit)
    return [await _fitted(workers, data, kind, limit) for (data, kind), limit in zip(pictures, allowed, strict=True)]


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


async def _fitted(workers: Workers, data: bytes, media_type: str, limit: int) -> CompressedImages | BotError:
    if len(data) <= limit:
        return CompressedImages(data, _BY_TYPE.get(media_type, "png"))
    try:
        result = await workers.run_picture("fit picture", data, within_s=_WITHIN_S, limit=limit)
    except JobFailed as error:
        return ImageTooLarge(str(error)) if error.failure is Failure.TOO_BIG else InvalidApiResponse(str(error))
    return CompressedImages(result.parts[0], "webp")
