"""The events of a chat's answer."""

from dataclasses import dataclass


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
