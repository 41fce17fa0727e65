"""What workers do with speech: look whether there is sound in it, and make one file of its pieces."""

from collections.abc import Sequence
from typing import Final

from bot.errors import InvalidApiResponse
from bot.speech.mp3 import TooLongToSend
from bot.workers.pool import Failure, JobFailed, Workers

_JOINED_WITHIN_S: Final = 60.0  # an hour of speech is encoded anew in half of that


async def seconds_of(sounds: Workers, mp3: bytes, owner: int) -> float:
    """Return how many seconds of sound there are in an MP3.

    Raises:
        InvalidApiResponse: none can be found in it.
    """
    try:
        result = await sounds.run("listen", [mp3], owner=owner)
    except JobFailed as error:
        raise InvalidApiResponse(f"speech: {error}") from error
    return float(result.facts["seconds"])


async def one_file(sounds: Workers, pieces: Sequence[bytes], limit: int, owner: int) -> bytes:
    """Return one MP3 of at most `limit` bytes with all of `pieces` in it; a single one that fits stays as it is.

    Raises:
        TooLongToSend: it cannot be made small enough.
        InvalidApiResponse: a piece cannot be read.
    """
    if len(pieces) == 1 and len(pieces[0]) <= limit:
        return pieces[0]
    try:
        result = await sounds.run("join", pieces, owner=owner, within_s=_JOINED_WITHIN_S, limit=limit)
    except JobFailed as error:
        if error.failure in (Failure.TOO_BIG, Failure.TOO_SLOW):
            raise TooLongToSend(str(error)) from error
        raise InvalidApiResponse(f"speech: {error}") from error
    return result.parts[0]
