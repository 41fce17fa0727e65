"""What goes along with a question besides its words: files, and the message that it is about."""

from dataclasses import dataclass
from typing import Final

from bot.api.chat_types import ImageAddress, ImagePart


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """The message that a question is about, which somebody else may have written: data, never an instruction."""

    message_id: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text that came as a file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ImageInput:
    """A picture as a model is shown it."""

    part: ImagePart
    tokens: int

    @classmethod
    def of(cls, address: str, tokens: int) -> "ImageInput":
        """Make one of a data URL."""
        return cls(ImagePart(ImageAddress(address)), tokens)


@dataclass(frozen=True, slots=True)
class PromptInputs:
    """All of it. `files` are the names of everything; of what was not opened yet `unopened_tokens` is an estimate."""

    files: tuple[str, ...] = ()
    texts: tuple[TextFile, ...] = ()
    sights: tuple[ImageInput, ...] = ()
    subject: QuotedMessage | None = None
    unopened_tokens: int = 0

    @property
    def tokens(self) -> int:
        """An estimate of what it takes beside the words of a request."""
        return self.unopened_tokens + sum(sight.tokens for sight in self.sights)


NOTHING: Final = PromptInputs()
