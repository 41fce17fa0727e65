"""Pictures that fit into a message: each within the upload limit, all of them within one request.

What fits is passed on byte for byte. What does not is made smaller by a worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.drawing.shrinking import PictureTooBig
from bot.errors import BotError, InvalidApiResponse
from bot.intake.workers import Failure, JobFailed, Workers

REQUEST_LIMIT: Final = 25 * 1024 * 1024  # Discord, message create: all files and fields of a request together
_AROUND_FILES: Final = 64 * 1024  # boundaries, headers and the JSON with its alt texts, generously
_WITHIN_S: Final = 30.0  # a large picture is encoded several times
_BY_TYPE: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture as it is sent; `extension` is without the dot."""

    data: bytes
    extension: str


async def fit(
    workers: Workers, pictures: Sequence[tuple[bytes, str]], upload_limit: int, request_limit: int = REQUEST_LIMIT
) -> list[Fitted | BotError]:
    """Make each of `pictures` (data and media type) fit; what stands in a picture's place tells why it could not.

    `upload_limit` is for one file and `request_limit` for all of them, in bytes. The faults are `PictureTooBig` and
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


async def _fitted(workers: Workers, data: bytes, media_type: str, limit: int) -> Fitted | BotError:
    if len(data) <= limit:
        return Fitted(data, _BY_TYPE.get(media_type, "png"))
    try:
        result = await workers.run_picture("fit picture", data, within_s=_WITHIN_S, limit=limit)
    except JobFailed as error:
        return PictureTooBig(str(error)) if error.failure is Failure.TOO_BIG else InvalidApiResponse(str(error))
    return Fitted(result.parts[0], "webp")
