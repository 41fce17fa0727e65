"""Generated images made small enough for Discord's messages, in workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.errors import BotError, InvalidApiResponse
from bot.images.compression import ImageTooLarge
from bot.workers.pool import Failure, JobFailed, Workers

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
