"""From the JSON of a chat answer, streamed or whole, to events."""

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from bot.api.chat_types import ChatEvent, ReasoningDelta, StreamEnd, TextDelta, Usage
from bot.api.error_mapping import fault_in_answer
from bot.api.payloads import Choice, chat_chunks, choices, decode, is_error, text_of, thinking_of, value_of
from bot.api.reasoning_filter import ReasoningFilter
from bot.errors import ApiServerError, ContentRefused, InvalidApiResponse
from bot.text_work import split_slices

_CALL = "chat"
_DONE = "[DONE]"
_MOST_CHOICES = 128  # as many as any service gives for one question; the first of them is read

MOST_TOKENS = 100_000_000
"""More than any model reads or writes at once: a larger count is a broken one."""


class ChunkReader:
    """Reads one answer, chunk after chunk, and remembers what its end will tell."""

    def __init__(self) -> None:
        self._thinking = ReasoningFilter()
        self._usage: Usage | None = None
        self._model: str | None = None
        self._has_words = False
        self._has_thoughts = False
        self.finish_reason: str | None = None
        self.done = False

    def read(self, data: str | bytes) -> Iterator[ChatEvent | None]:
        """Take one chunk (or a whole answer) and give its events, which are read as far as they are asked for.

        Words come in slices, however many are in the chunk, with None between two of them: a slice may give no event,
        and then the caller should let other callbacks run all the same.

        Raises:
            ApiError: the chunk is an error object.
            InvalidApiResponse: it is not JSON of the expected shape.
        """
        if data == _DONE:
            self.done = True
            return iter(())
        if not data or data.isspace():
            return iter(())
        chunk = decode(chat_chunks, data, _CALL)
        if is_error(chunk.error):
            raise fault_in_answer(_CALL, {"error": value_of(chunk.error)})
        if value_of(chunk.kind) == "error":
            raise fault_in_answer(_CALL, None)
        if self._model is None and isinstance(model := value_of(chunk.model), str):
            self._model = model
        self._usage = _usage(value_of(chunk.usage)) or self._usage
        read = [decode(choices, bytes(each), _CALL) for each in (chunk.choices or ())[:_MOST_CHOICES]]
        return self._events(choice for choice in read if choice is not None and not value_of(choice.index))

    def finish(self, *, cut: bool) -> list[ChatEvent]:
        """Give the last events, the end among them.

        Raises:
            ContentRefused: the API withheld every word.
            ApiServerError: the API says that it failed.
            InvalidApiResponse: there was nothing in the answer.
        """
        events = list(self._parts(*self._thinking.close()))
        if not self._has_words and self.finish_reason == "content_filter":
            raise ContentRefused("chat: content_filter and no text")
        if not self._has_words and not self._has_thoughts:
            if self.finish_reason == "error":
                raise ApiServerError("chat: finished with an error")
            raise InvalidApiResponse("chat: an answer without text")
        cut = cut or self.finish_reason == "error"
        if self._has_words and self._usage is not None and not self._usage.completion_tokens:
            self._usage = None
        events.append(StreamEnd(self._usage, self.finish_reason, cut, self._model))
        return events

    def _events(self, choices: Iterable[Choice]) -> Iterator[ChatEvent | None]:
        for choice in choices:
            yield from self._events_of(choice)

    def _events_of(self, choice: Choice) -> Iterator[ChatEvent | None]:
        if isinstance(reason := value_of(choice.finish_reason), str) and reason:
            self.finish_reason = reason
        piece = choice.delta or choice.message
        if piece is None:
            return
        # Some servers send the same thoughts under both names.
        thoughts = (
            text_of(piece.reasoning_content, _CALL)
            or text_of(piece.reasoning, _CALL)
            or thinking_of(piece.content, _CALL)
        )
        if thoughts:
            yield from self._parts(thoughts, "")
        for number, words in enumerate(split_slices(text_of(piece.content, _CALL))):
            if number:
                yield None
            yield from self._parts(*self._thinking.feed(words))
        # A refusal is what the model wrote to the one who asked.
        if refusal := text_of(piece.refusal, _CALL):
            yield from self._parts("", refusal)

    def _parts(self, thoughts: str, words: str) -> Iterator[ChatEvent]:
        if thoughts:
            self._has_thoughts = True
            yield ReasoningDelta(thoughts)
        for part in split_slices(words):
            self._has_words = self._has_words or not part.isspace()
            yield TextDelta(part)


def _usage(value: object) -> Usage | None:
    """Read what an answer has used; None where that is not told, or not in figures that can be true."""
    if not isinstance(value, dict):
        return None
    prompt, completion = value.get("prompt_tokens"), value.get("completion_tokens")
    if not _is_count(prompt) or not _is_count(completion) or not prompt:
        return None
    return Usage(prompt, completion)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
