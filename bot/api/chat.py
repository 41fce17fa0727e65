"""Asking a model and reading its answer as it is written."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TypeGuard

from bot.api.chat_types import ChatAnswer, ChatEvent, ChatMessage, ReasoningDelta, StreamEnd, TextDelta, Usage
from bot.api.error_mapping import DeveloperRoleUnsupported, error_from_payload
from bot.api.payloads import (
    ChatRequest,
    Choice,
    chat_chunk_decoder,
    choices,
    decode,
    decode_text,
    decode_thinking,
    decode_value,
    encode,
    is_error,
)
from bot.api.reasoning_filter import ReasoningFilter
from bot.api.retries import Retries
from bot.api.sse import EventDecoder, ServerSentEvent
from bot.api.timeouts import CallTimeouts
from bot.api.transport import ApiResponse, SendStatus, Transport
from bot.errors import ApiServerError, ApiTimeout, ApiUnreachable, ContentRefused, InvalidApiResponse
from bot.text_work import split_slices

_log = logging.getLogger(__name__)

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
        chunk = decode(chat_chunk_decoder, data, _CALL)
        if is_error(chunk.error):
            raise error_from_payload(_CALL, {"error": decode_value(chunk.error)})
        if decode_value(chunk.kind) == "error":
            raise error_from_payload(_CALL, None)
        if self._model is None and isinstance(model := decode_value(chunk.model), str):
            self._model = model
        self._usage = _usage(decode_value(chunk.usage)) or self._usage
        read = [decode(choices, bytes(each), _CALL) for each in (chunk.choices or ())[:_MOST_CHOICES]]
        return self._events(choice for choice in read if choice is not None and not decode_value(choice.index))

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
        if isinstance(reason := decode_value(choice.finish_reason), str) and reason:
            self.finish_reason = reason
        piece = choice.delta or choice.message
        if piece is None:
            return
        # Some servers send the same thoughts under both names.
        thoughts = (
            decode_text(piece.reasoning_content, _CALL)
            or decode_text(piece.reasoning, _CALL)
            or decode_thinking(piece.content, _CALL)
        )
        if thoughts:
            yield from self._parts(thoughts, "")
        for number, words in enumerate(split_slices(decode_text(piece.content, _CALL))):
            if number:
                yield None
            yield from self._parts(*self._thinking.feed(words))
        # A refusal is what the model wrote to the one who asked.
        if refusal := decode_text(piece.refusal, _CALL):
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


_PATH = "/chat/completions"
_LONGEST_WHOLE_BYTES = 2 * 1024 * 1024
"""Of an answer that is not streamed: it is decoded in one go."""

_PART_BYTES = 8 * 1024
"""Of a stream, decoded in one go."""

_MOST_SPACE_BYTES = 64 * 1024
"""Before the first byte that means something."""

_BOM = b"\xef\xbb\xbf"


class Chat:
    """Chats of any number at once; remembers whether the server knows the `developer` role."""

    def __init__(self, transport: Transport, retries: Retries) -> None:
        self._transport = transport
        self._retries = retries
        self._knows_developer = True

    async def stream(
        self, model: str, messages: Sequence[ChatMessage], send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        """Yield the answer's pieces as they come, and its end last. Closing this closes the connection at once.

        However many come at once: other callbacks run between two of them.
        """
        request = ChatRequest(model, messages, stream=True)
        async with aclosing(self._ask(request, self._transport.limits.first_byte_s, send_status)) as events:
            async for event in events:
                yield event
                await asyncio.sleep(0)

    async def whole(self, model: str, messages: Sequence[ChatMessage]) -> ChatAnswer:
        """Ask for the answer in one piece."""
        words: list[str] = []
        thoughts: list[str] = []
        request = ChatRequest(model, messages)
        async with aclosing(self._ask(request, self._transport.limits.unstreamed_first_byte_s, SendStatus())) as events:
            async for event in events:
                await asyncio.sleep(0)
                match event:
                    case TextDelta(text):
                        words.append(text)
                    case ReasoningDelta(text):
                        thoughts.append(text)
                    case StreamEnd():
                        return ChatAnswer("".join(words), "".join(thoughts), event)
        raise AssertionError("a chat that did not fail has an end")

    async def _ask(
        self, request: ChatRequest, first_byte_s: float, send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        """Ask with the role that the server knows, finding out which that is."""
        with self._transport.start_timeouts(_CALL) as timeouts:
            if self._knows_developer:
                try:
                    async with aclosing(self._try(request, timeouts, first_byte_s, send_status)) as events:
                        async for event in events:
                            yield event
                    return
                except DeveloperRoleUnsupported:
                    if not any(message.role == "developer" for message in request.messages):
                        raise
            adapted = _with_system_role(request)
            async with aclosing(self._try(adapted, timeouts, first_byte_s, send_status)) as events:
                async for event in events:
                    if self._knows_developer:
                        _log.info("the API does not know the developer role; using system from now on")
                        self._knows_developer = False
                    yield event

    def _try(
        self, request: ChatRequest, timeouts: CallTimeouts, first_byte_s: float, send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        body = encode(request)
        return self._retries.retry_stream(_CALL, lambda: self._read_once(body, timeouts, first_byte_s, send_status))

    async def _read_once(
        self, body: bytes, timeouts: CallTimeouts, first_byte_s: float, send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        limits = self._transport.limits
        async with self._transport.open(
            timeouts,
            _CALL,
            _PATH,
            body,
            first_byte_s=first_byte_s,
            max_bytes=limits.chat_bytes,
            send_status=send_status,
        ) as reply:
            head = await _read_head(reply)
            reader = ChunkReader()
            if _is_json(head):
                whole = head + await reply.read_whole(max_bytes=_LONGEST_WHOLE_BYTES)
                for event in reader.read(whole.strip().removeprefix(_BOM)):
                    if event is None:
                        await asyncio.sleep(0)
                    else:
                        yield event
                cut = False
            else:
                async with aclosing(_read_events(reply, head, reader, limits.tail_s)) as events:
                    async for event in events:
                        yield event
                cut = reader.finish_reason is None and not reader.done
            for event in reader.finish(cut=cut):
                yield event


async def _read_events(
    reply: ApiResponse, chunk: bytes, reader: ChunkReader, tail_s: float
) -> AsyncGenerator[ChatEvent, None]:
    """Yield the deltas of an event stream until it is done or ends."""
    decoder = EventDecoder()
    began = False
    while chunk:
        for part in _in_parts(chunk):
            for event in decoder.feed(part):
                for delta in _deltas(event, reader):
                    if delta is None:
                        await asyncio.sleep(0)
                    else:
                        began = True
                        yield delta
                if reader.done:
                    return
                await asyncio.sleep(0)  # thousands of events may come at once, and none of them have a word
            await asyncio.sleep(0)
        try:
            chunk = await reply.read(None if reader.finish_reason is None else tail_s)
        except ApiTimeout:
            if reader.finish_reason is None:
                raise
            return
        except ApiUnreachable:
            if not began and reader.finish_reason is None:
                raise
            break
    if left := decoder.close():
        try:
            deltas = _deltas(left, reader)
        except InvalidApiResponse:
            # The cut went through this event.
            return
        for delta in deltas:
            if delta is not None:
                yield delta


def _in_parts(chunk: bytes) -> Iterator[bytes]:
    """Return a chunk in parts whose lines can be looked at in one go: it may have tens of thousands."""
    return (chunk[at : at + _PART_BYTES] for at in range(0, len(chunk), _PART_BYTES))


def _deltas(event: ServerSentEvent, reader: ChunkReader) -> Iterator[ChatEvent | None]:
    if event.type == "error":
        raise error_from_payload(_CALL, event.data)
    return reader.read(event.data)


async def _read_head(reply: ApiResponse) -> bytes:
    """Read until there is a byte that is neither white space nor byte order mark, or to the end."""
    head = b""
    while chunk := await reply.read():
        head += chunk
        if head.removeprefix(_BOM).strip() and not _BOM.startswith(head):
            break
        if len(head) > _MOST_SPACE_BYTES:
            raise InvalidApiResponse(f"{_CALL}: {len(head)} bytes of white space")
    return head


def _is_json(head: bytes) -> bool:
    """Tell a whole answer, or an error in place of one, from an event stream; content types are often wrong.

    Raises:
        InvalidApiResponse: it is a page.
    """
    first = head.removeprefix(_BOM).lstrip()[:1]
    if first == b"<":
        raise InvalidApiResponse("chat: a page in place of an answer")
    return first in (b"{", b"[", b'"')


def _with_system_role(request: ChatRequest) -> ChatRequest:
    messages = [
        ChatMessage("system", message.content) if message.role == "developer" else message
        for message in request.messages
    ]
    return ChatRequest(request.model, messages, request.stream)
