"""Files that come with a question: which of them can be used, and what is in them.

`check` looks at what Discord tells of them, before anything is spent; `opened` fetches and reads them.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.conversation.image_inputs import LONGEST_SIDE, MOST_PIXELS, tokens_of
from bot.conversation.prompt import MESSAGE_OVERHEAD, ImageInput, PromptInputs, QuotedMessage, TextFile, tokens_in
from bot.errors import UnreadableFile
from bot.messages.message import plain
from bot.workers.fair_limit import LimitFull
from bot.workers.pool import DecodingWorkers, Failure, JobFailed

MOST_PICTURES: Final = 4
MOST_PICTURE_BYTES: Final = 20 * 1024 * 1024
MOST_TEXT_BYTES: Final = 64 * 1024
"""Of all text files of a question together."""

_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_NO_TEXT: Final = ("image/", "audio/", "video/", "font/")
_READABLE: Final = "I can look at pictures (PNG, JPEG, WebP, GIF) and read text files"
_BUSY: Final = "I have too many files to look at right now. Please try again in a minute."


class FileTooLarge(Exception):
    """More came of a file than was asked for."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as Discord tells of it.

    `read` fetches it, at most so many bytes. It raises FileTooLarge where there are more, and UnreadableFile where it
    cannot be fetched.
    """

    name: str
    size: int
    media_type: str
    width: int | None
    height: int | None
    read: Callable[[int], Awaitable[bytes]]

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


def check(enclosures: Sequence[Attachment]) -> None:
    """Do nothing if all of these can be used, as far as Discord tells.

    Raises:
        UnreadableFile: one cannot, or they are too many; the sentence names it.
    """
    for each in enclosures:
        if not each.is_picture and not each.may_be_text:
            raise _not_readable(each)
        if not each.is_small_enough:
            raise _too_large(each)
    if sum(each.is_picture for each in enclosures) > MOST_PICTURES:
        raise UnreadableFile(
            "too many pictures", message=plain(f"I can look at {MOST_PICTURES} pictures at once, not more.")
        )
    if sum(each.size for each in enclosures if not each.is_picture) > MOST_TEXT_BYTES:
        raise _too_much_text()


def usable(enclosures: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Pick those that can be used out of files that nobody chose for the question, the first ones if they are many."""
    chosen: list[Attachment] = []
    for each in enclosures:
        if not each.is_small_enough or not (each.is_picture or each.may_be_text):
            continue
        if each.is_picture and sum(other.is_picture for other in chosen) == MOST_PICTURES:
            continue
        text = sum(other.size for other in chosen if not other.is_picture)
        if each.is_picture or text + each.size <= MOST_TEXT_BYTES:
            chosen.append(each)
    return tuple(chosen)


def unopened(enclosures: Sequence[Attachment], subject: QuotedMessage | None) -> PromptInputs:
    """Tell what is known of them beforehand."""
    return PromptInputs(
        files=tuple(each.name for each in enclosures),
        subject=subject,
        unopened_tokens=sum(each.tokens for each in enclosures),
    )


async def opened(
    enclosures: Sequence[Attachment], subject: QuotedMessage | None, workers: DecodingWorkers, owner: Hashable
) -> PromptInputs:
    """Fetch them all and read what is in them. `owner` is who they are read for.

    Raises:
        UnreadableFile: one of them cannot be fetched, or is not what it is said to be; the sentence names it. The
            others are let go of.
    """
    reading = _Reading(workers, owner)
    tasks = [asyncio.create_task(reading.content(each), name="file") for each in enclosures]
    try:
        contents = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return PromptInputs(
        files=tuple(each.name for each in enclosures),
        texts=tuple(each for each in contents if isinstance(each, TextFile)),
        sights=tuple(each for each in contents if isinstance(each, ImageInput)),
        subject=subject,
    )


class _Reading:
    """The files of one question while they are read."""

    def __init__(self, workers: DecodingWorkers, owner: Hashable) -> None:
        self._workers = workers
        self._owner = owner
        self._text_bytes = 0

    async def content(self, enclosure: Attachment) -> TextFile | ImageInput:
        """Fetch a file and return what is in it.

        Raises:
            UnreadableFile: that cannot be done.
        """
        try:
            async with self._workers.downloads.slot(self._owner):
                return await (self._sight(enclosure) if enclosure.is_picture else self._text(enclosure))
        except FileTooLarge:
            raise _too_large(enclosure) from None
        except LimitFull:
            raise _unreadable(enclosure, _BUSY) from None
        except JobFailed as error:
            busy = error.failure is Failure.FULL
            raise (_unreadable(enclosure, _BUSY) if busy else _not_readable(enclosure)) from error

    async def _sight(self, enclosure: Attachment) -> ImageInput:
        data = await enclosure.read(MOST_PICTURE_BYTES)
        shown = await self._workers.files.run_image_job("prepare image", data, owner=self._owner)
        address = f"data:{shown.facts['media_type']};base64,{base64.b64encode(shown.parts[0]).decode()}"
        return ImageInput.of(address, tokens_of(int(shown.facts["width"]), int(shown.facts["height"])))

    async def _text(self, enclosure: Attachment) -> TextFile:
        data = await enclosure.read(MOST_TEXT_BYTES)
        self._text_bytes += len(data)
        if self._text_bytes > MOST_TEXT_BYTES:
            raise _too_much_text()
        read = await self._workers.files.run("decode text", [data], owner=self._owner)
        if not read.facts["is_text"]:
            raise _not_readable(enclosure)
        return TextFile(enclosure.name, read.parts[0].decode())


def _not_readable(enclosure: Attachment) -> UnreadableFile:
    return _unreadable(enclosure, f"I can't read {_named(enclosure)}. {_READABLE}.")


def _too_large(enclosure: Attachment) -> UnreadableFile:
    limit = "20 MB and 16 megapixels" if enclosure.is_picture else "64 KB of text"
    return _unreadable(enclosure, f"{_named(enclosure)} is too large for me: {limit} is the most I can take.")


def _too_much_text() -> UnreadableFile:
    return UnreadableFile("too much text", message=plain("These files are too large for me: I can read 64 KB in all."))


def _unreadable(enclosure: Attachment, sentence: str) -> UnreadableFile:
    return UnreadableFile(f"{enclosure.size} bytes of {enclosure.media_type[:40]}", message=plain(sentence))


def _named(enclosure: Attachment) -> str:
    """Write a file's name so that it stays a name."""
    return f"`{' '.join(enclosure.name.replace('`', '').split())[:100] or 'that file'}`"
