"""Messages of a chat request, and the events of its answer."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text among other parts of a message."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """The URL of an image: always a data URL here, which holds it."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image among the parts of a message."""

    image_url: ImageUrl
    type: Literal["image_url"] = "image_url"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation; `role` is `developer`, `user` or `assistant`.

    The content is in parts only if it holds images.
    """

    role: str
    content: str | tuple[TextPart | ImagePart, ...]

    @property
    def text(self) -> str:
        """The text of the message, without images."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Usage:
    """The token usage of a chat, as the API reports it."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next part of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next part of the hidden reasoning: paid for, never shown."""

    text: str


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last event of every stream that did not fail.

    `cut`: the connection ended before the model finished. `usage` and `model` (often a dated variant of the requested
    one) are None if the API did not report them.
    """

    usage: Usage | None
    finish_reason: str | None
    cut: bool
    model: str | None


ChatEvent = TextDelta | ReasoningDelta | StreamEnd


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """An answer that was not streamed; `reasoning` is never shown, `end` is as in a stream."""

    text: str
    reasoning: str
    end: StreamEnd
