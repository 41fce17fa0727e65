"""What goes into a chat with a model and what comes out of it."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text among other parts of a message."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """Where a picture is: for us always a data URL, which holds it."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture among the parts of a message."""

    image_url: ImageUrl
    type: Literal["image_url"] = "image_url"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation; `role` is `developer`, `user` or `assistant`. Only with pictures it has parts."""

    role: str
    content: str | tuple[TextPart | ImagePart, ...]

    @property
    def text(self) -> str:
        """What it says in words."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Usage:
    """What the API says a chat has used, in tokens."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of what the model thinks to itself: paid for, never shown."""

    text: str


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last event of every stream that did not fail.

    `cut`: the connection ended before the model said that it was done. `usage` and `model` (often a dated variant of
    the one asked for) are None where the API did not tell.
    """

    usage: Usage | None
    finish_reason: str | None
    cut: bool
    model: str | None


ChatEvent = TextDelta | ReasoningDelta | StreamEnd


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """An answer in one piece; `reasoning` is never shown, and `end` as in a stream."""

    text: str
    reasoning: str
    end: StreamEnd
