"""Files that come with a question: which of them can be used, and what is in them.

`check` looks at what Discord tells of them, before anything is spent; `opened` fetches and reads them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.conversation.material import Material, Sight, Subject, TextFile
from bot.conversation.sights import LONGEST_SIDE, MOST_PIXELS, sight_of, tokens_of
from bot.conversation.texts import decoded
from bot.conversation.tokens import MESSAGE_OVERHEAD, tokens_in
from bot.errors import UnreadableFile

MOST_PICTURES: Final = 4
MOST_PICTURE_BYTES: Final = 20 * 1024 * 1024
MOST_TEXT_BYTES: Final = 64 * 1024
"""Of all text files of a question together."""

_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_NO_TEXT: Final = ("image/", "audio/", "video/", "font/")
_READABLE: Final = "I can look at pictures (PNG, JPEG, WebP, GIF) and read text files"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file as Discord tells of it; `read` fetches it, and raises UnreadableFile where that fails."""

    name: str
    size: int
    media_type: str
    width: int | None
    height: int | None
    read: Callable[[], Awaitable[bytes]]

    @property
    def is_picture(self) -> bool:
        """Whether it is said to be a picture of a kind that models take."""
        return self.media_type in _PICTURES

    @property
    def may_be_text(self) -> bool:
        """Whether nothing speaks against it being a text."""
        return not self.media_type.startswith(_NO_TEXT)

    @property
    def is_small_enough(self) -> bool:
        """Whether it may be fetched."""
        if self.is_picture:
            pixels = (self.width or 1) * (self.height or 1)
            return self.size <= MOST_PICTURE_BYTES and pixels <= MOST_PIXELS
        return self.size <= MOST_TEXT_BYTES

    @property
    def tokens(self) -> int:
        """Estimate what it will take in a request."""
        if self.is_picture:
            return tokens_of(self.width or LONGEST_SIDE, self.height or LONGEST_SIDE)
        return tokens_in(self.size) + MESSAGE_OVERHEAD


def check(enclosures: Sequence[Enclosure]) -> None:
    """Do nothing if all of these can be used, as far as Discord tells.

    Raises:
        UnreadableFile: one cannot, or they are too many; the sentence names it.
    """
    for each in enclosures:
        if not each.is_picture and not each.may_be_text:
            raise _not_readable(each)
        if not each.is_small_enough:
            limit = "20 MB and 50 megapixels" if each.is_picture else "64 KB of text"
            raise _unreadable(each, f"{_named(each)} is too large for me: {limit} is the most I can take.")
    if sum(each.is_picture for each in enclosures) > MOST_PICTURES:
        raise UnreadableFile("too many pictures", sentence=f"I can look at {MOST_PICTURES} pictures at once, not more.")
    if sum(each.size for each in enclosures if not each.is_picture) > MOST_TEXT_BYTES:
        raise UnreadableFile("too much text", sentence="These files are too large for me: I can read 64 KB in all.")


def usable(enclosures: Sequence[Enclosure]) -> tuple[Enclosure, ...]:
    """Pick those that can be used out of files that nobody chose for the question, the first ones if they are many."""
    chosen: list[Enclosure] = []
    for each in enclosures:
        if not each.is_small_enough or not (each.is_picture or each.may_be_text):
            continue
        if each.is_picture and sum(other.is_picture for other in chosen) == MOST_PICTURES:
            continue
        text = sum(other.size for other in chosen if not other.is_picture)
        if each.is_picture or text + each.size <= MOST_TEXT_BYTES:
            chosen.append(each)
    return tuple(chosen)


def unopened(enclosures: Sequence[Enclosure], subject: Subject | None) -> Material:
    """Tell what is known of them beforehand."""
    return Material(
        files=tuple(each.name for each in enclosures),
        subject=subject,
        unopened_tokens=sum(each.tokens for each in enclosures),
    )


async def opened(enclosures: Sequence[Enclosure], subject: Subject | None) -> Material:
    """Fetch them all and read what is in them.

    Raises:
        UnreadableFile: one of them cannot be fetched, or is not what it is said to be; the sentence names it.
    """
    fetched = await asyncio.gather(*(each.read() for each in enclosures))
    # One after the other: a picture takes four bytes a pixel while it is scaled down.
    contents = [await _content(each, data) for each, data in zip(enclosures, fetched, strict=True)]
    return Material(
        files=tuple(each.name for each in enclosures),
        texts=tuple(each for each in contents if isinstance(each, TextFile)),
        sights=tuple(each for each in contents if isinstance(each, Sight)),
        subject=subject,
    )


async def _content(enclosure: Enclosure, data: bytes) -> TextFile | Sight:
    if enclosure.is_picture:
        sight = await asyncio.to_thread(sight_of, data)
        if sight is None:
            raise _not_readable(enclosure)
        return sight
    text = await asyncio.to_thread(decoded, data)
    if text is None:
        raise _not_readable(enclosure)
    return TextFile(enclosure.name, text)


def _not_readable(enclosure: Enclosure) -> UnreadableFile:
    return _unreadable(enclosure, f"I can't read {_named(enclosure)}. {_READABLE}.")


def _unreadable(enclosure: Enclosure, sentence: str) -> UnreadableFile:
    return UnreadableFile(f"{enclosure.size} bytes of {enclosure.media_type[:40]}", sentence=sentence)


def _named(enclosure: Enclosure) -> str:
    """Write a file's name so that it stays a name."""
    return f"`{' '.join(enclosure.name.replace('`', '').split())[:100] or 'that file'}`"
