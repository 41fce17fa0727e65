"""Attachments of a question: which of them can be used, and their contents.

`ensure_usable` checks what Discord says of them, before anything is reserved; `load` downloads and decodes them.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.conversation.image_inputs import LONGEST_SIDE, MAX_PIXELS, estimate_image_tokens
from bot.conversation.prompt import MESSAGE_OVERHEAD, ImageInput, PromptInputs, QuotedMessage, TextFile, estimate_bytes
from bot.errors import UnreadableFile
from bot.messages import answers as texts
from bot.messages import errors as error_texts
from bot.messages.message import Message
from bot.tasks import cancel_and_wait
from bot.workers.pool import DecodingWorkers, Failure, JobFailed, LimitFull

MAX_IMAGES: Final = 4
MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
MAX_TEXT_BYTES: Final = 64 * 1024
"""Of all text files of a question together."""

_IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_NOT_TEXT_TYPES: Final = ("image/", "audio/", "video/", "font/")


class FileTooLarge(Exception):
    """A file has more bytes than were allowed."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment as Discord describes it.

    `read` downloads it, at most so many bytes. It raises FileTooLarge if there are more, and UnreadableFile if the
    download fails.
    """

    name: str
    size: int
    media_type: str
    width: int | None
    height: int | None
    read: Callable[[int], Awaitable[bytes]]

    @property
    def is_image(self) -> bool:
        """Return whether its media type is an image type that models take."""
        return self.media_type in _IMAGE_TYPES

    @property
    def can_be_text(self) -> bool:
        """Return whether its media type allows it to be text."""
        return not self.media_type.startswith(_NOT_TEXT_TYPES)

    @property
    def is_small_enough(self) -> bool:
        """Return whether it is within the limits, as far as Discord describes it."""
        if self.is_image:
            pixels = (self.width or 1) * (self.height or 1)
            return self.size <= MAX_IMAGE_BYTES and pixels <= MAX_PIXELS
        return self.size <= MAX_TEXT_BYTES

    @property
    def tokens(self) -> int:
        """Return its estimated tokens in a request."""
        if self.is_image:
            return estimate_image_tokens(self.width or LONGEST_SIDE, self.height or LONGEST_SIDE)
        return estimate_bytes(self.size) + MESSAGE_OVERHEAD


def ensure_usable(attachments: Sequence[Attachment]) -> None:
    """Check that all can be used, as far as Discord describes them.

    Raises:
        UnreadableFile: one cannot, or they are too many; the sentence names it.
    """
    for each in attachments:
        if not each.is_image and not each.can_be_text:
            raise _unreadable_type(each)
        if not each.is_small_enough:
            raise _too_large(each)
    if sum(each.is_image for each in attachments) > MAX_IMAGES:
        raise UnreadableFile("too many images", message=texts.too_many_images(MAX_IMAGES))
    if sum(each.size for each in attachments if not each.is_image) > MAX_TEXT_BYTES:
        raise _too_much_text()


def select_usable(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Return those that can be used, of files that were not chosen for the question; the first ones if too many."""
    chosen: list[Attachment] = []
    for each in attachments:
        if not each.is_small_enough or not (each.is_image or each.can_be_text):
            continue
        if each.is_image and sum(other.is_image for other in chosen) == MAX_IMAGES:
            continue
        text = sum(other.size for other in chosen if not other.is_image)
        if each.is_image or text + each.size <= MAX_TEXT_BYTES:
            chosen.append(each)
    return tuple(chosen)


def describe(attachments: Sequence[Attachment], about: QuotedMessage | None) -> PromptInputs:
    """Return what is known of the attachments before they are downloaded."""
    return PromptInputs(
        files=tuple(each.name for each in attachments),
        about=about,
        estimated_tokens=sum(each.tokens for each in attachments),
    )


async def load(
    attachments: Sequence[Attachment], about: QuotedMessage | None, workers: DecodingWorkers, owner: Hashable
) -> PromptInputs:
    """Download the attachments and return their contents. The workers are shared fairly by `owner`.

    Raises:
        UnreadableFile: one of them cannot be downloaded, or is not of its media type; the sentence names it. The
            others are cancelled.
    """
    loader = _Loader(workers, owner)
    tasks = [asyncio.create_task(loader.load(each), name="file") for each in attachments]
    try:
        contents = await asyncio.gather(*tasks)
    finally:
        await cancel_and_wait(*tasks)
    return PromptInputs(
        files=tuple(each.name for each in attachments),
        texts=tuple(each for each in contents if isinstance(each, TextFile)),
        images=tuple(each for each in contents if isinstance(each, ImageInput)),
        about=about,
    )


class _Loader:
    """Loads the attachments of one question."""

    def __init__(self, workers: DecodingWorkers, owner: Hashable) -> None:
        self._workers = workers
        self._owner = owner
        self._text_bytes = 0

    async def load(self, attachment: Attachment) -> TextFile | ImageInput:
        """Download an attachment and return its content.

        Raises:
            UnreadableFile: that cannot be done.
        """
        try:
            async with self._workers.downloads.slot(self._owner):
                return await (self._load_image(attachment) if attachment.is_image else self._load_text(attachment))
        except FileTooLarge:
            raise _too_large(attachment) from None
        except LimitFull:
            raise _unreadable(attachment, error_texts.too_many_files()) from None
        except JobFailed as error:
            busy = error.failure is Failure.FULL
            raise (
                _unreadable(attachment, error_texts.too_many_files()) if busy else _unreadable_type(attachment)
            ) from error

    async def _load_image(self, attachment: Attachment) -> ImageInput:
        data = await attachment.read(MAX_IMAGE_BYTES)
        shown = await self._workers.files.run_image_job("prepare image", data, owner=self._owner)
        address = f"data:{shown.facts['media_type']};base64,{base64.b64encode(shown.parts[0]).decode()}"
        return ImageInput.of(address, estimate_image_tokens(int(shown.facts["width"]), int(shown.facts["height"])))

    async def _load_text(self, attachment: Attachment) -> TextFile:
        data = await attachment.read(MAX_TEXT_BYTES)
        self._text_bytes += len(data)
        if self._text_bytes > MAX_TEXT_BYTES:
            raise _too_much_text()
        read = await self._workers.files.run("decode text", [data], owner=self._owner)
        if not read.facts["is_text"]:
            raise _unreadable_type(attachment)
        return TextFile(attachment.name, read.parts[0].decode())


def _unreadable_type(attachment: Attachment) -> UnreadableFile:
    return _unreadable(attachment, texts.unreadable_type(_quote_name(attachment)))


def _too_large(attachment: Attachment) -> UnreadableFile:
    name = _quote_name(attachment)
    if attachment.is_image:
        return _unreadable(attachment, texts.image_too_large(name, MAX_IMAGE_BYTES // 2**20, MAX_PIXELS // 10**6))
    return _unreadable(attachment, texts.text_too_large(name, MAX_TEXT_BYTES // 1024))


def _too_much_text() -> UnreadableFile:
    return UnreadableFile("too much text", message=texts.too_much_text(MAX_TEXT_BYTES // 1024))


def _unreadable(attachment: Attachment, message: Message) -> UnreadableFile:
    return UnreadableFile(f"{attachment.size} bytes of {attachment.media_type[:40]}", message=message)


def _quote_name(attachment: Attachment) -> str:
    """Return a file's name as code, so that it is shown as it is."""
    return f"`{' '.join(attachment.name.replace('`', '').split())[:100] or '…'}`"
