"""A long text cut into requests to the API, and the MP3s that come back joined to one file.

The API takes 4,096 characters a request. A chunk needs a sensible pause at its end, not grammar: "Dr. Who" may be cut
after the abbreviation without harm, so no abbreviations are known here.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from bot.errors import InvalidApiResponse
from bot.speech.mp3 import TooLongToSend
from bot.workers.pool import Failure, JobFailed, Workers

MAX_CHUNK_LENGTH: Final = 4096  # OpenAI's limit of `input` in /audio/speech, in characters
_STOPS: Final = ".!?…‽؟۔।॥։"
_CLOSERS: Final = "\"'»”’)\\]}」』】〉》）＂＇"
# From the best pause to the poorest. Each matches all that stays before the cut, its trailing white space apart.
_PAUSES: Final = (
    re.compile(r"\n[^\S\n]*(?=\n)"),  # between paragraphs
    re.compile(rf"(?<![{_STOPS}])[{_STOPS}]+[{_CLOSERS}]*(?=\s)|[。！？｡．]+[{_CLOSERS}]*|\n"),  # sentences and lines
    re.compile(rf"[,;:،؛–—][{_CLOSERS}]*(?=\s)|[，、；：]"),  # clauses
    re.compile(r"\s"),  # words
)


def split_text(text: str, limit: int = MAX_CHUNK_LENGTH) -> list[str]:
    """Return `text` in chunks of at most `limit` characters, each without white space at its ends.

    Nothing but white space between chunks is lost. A text of white space only has no chunk.
    """
    pieces = []
    rest = text.strip()
    while len(rest) > limit:
        end = _best_end(rest, limit)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*pieces, rest] if rest else pieces


def _best_end(text: str, limit: int) -> int:
    """Return where the first chunk of `text`, which is longer than `limit`, ends.

    A pause in the first half is ignored as long as a poorer one comes later: short chunks cost a request each.
    """
    window = text[: limit + 1]  # one more, so that a space right behind the limit counts as a pause
    for pauses in _PAUSES:
        ends = [
            found.end() for found in pauses.finditer(window, limit // 2) if found.end() <= limit or found[0].isspace()
        ]
        if ends:
            return min(ends[-1], limit)
    return _whole_character(text, limit)


def _whole_character(text: str, end: int) -> int:
    """Return the last position up to `end` that splits no visible character, within reason."""
    for earlier in range(end, max(end - 32, 1), -1):
        follows = text[earlier]
        if not (unicodedata.combining(follows) or follows in _TIED or text[earlier - 1] == "\u200d"):
            return earlier
    return end


_TIED: Final = frozenset("\u200d\ufe0e\ufe0f") | {chr(skin) for skin in range(0x1F3FB, 0x1F400)}


_JOINED_WITHIN_S: Final = 60.0  # an hour of speech is encoded again in half of that


async def get_duration_s(audio_workers: Workers, mp3: bytes, owner: int) -> float:
    """Return how many seconds of audio there are in an MP3.

    Raises:
        InvalidApiResponse: there is none in it.
    """
    try:
        result = await audio_workers.run("measure mp3", [mp3], owner=owner)
    except JobFailed as error:
        raise InvalidApiResponse(f"speech: {error}") from error
    return float(result.facts["seconds"])


async def join_to_file(audio_workers: Workers, pieces: Sequence[bytes], limit: int, owner: int) -> bytes:
    """Return one MP3 of at most `limit` bytes with all of `pieces` in it; a single one that fits stays as it is.

    Raises:
        TooLongToSend: it cannot be made small enough.
        InvalidApiResponse: a piece cannot be read.
    """
    if len(pieces) == 1 and len(pieces[0]) <= limit:
        return pieces[0]
    try:
        result = await audio_workers.run("join mp3", pieces, owner=owner, timeout_s=_JOINED_WITHIN_S, limit=limit)
    except JobFailed as error:
        if error.failure in (Failure.TOO_BIG, Failure.TOO_SLOW):
            raise TooLongToSend(str(error)) from error
        raise InvalidApiResponse(f"speech: {error}") from error
    return result.parts[0]
