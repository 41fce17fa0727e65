"""Chat completions: request one and read the answer as it is streamed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TypeGuard

from bot.api.call import ApiCall
from bot.api.chat_events import ChatAnswer, ChatEvent, ReasoningDelta, StreamEnd, TextDelta, Usage
from bot.api.error_mapping import DeveloperRoleUnsupported, error_from_payload
from bot.api.payloads import (
    ChatMessage,
    ChatRequest,
    Choice,
    chat_chunk_decoder,
    choice_decoder,
    decode,
    decode_text,
    decode_thinking,
    decode_value,
    encode,
    is_error,
)
from bot.api.reasoning_filter import ReasoningFilter
from bot.api.sse import EventDecoder, ServerSentEvent
from bot.api.transport import ApiResponse, SendStatus, Transport
from bot.errors import ApiServerError, ApiTimeout, ApiUnreachable, ContentRefused, InvalidApiResponse
from bot.text_work import split_slices

logger = logging.getLogger(__name__)

_CALL = "chat"
_PATH = "/chat/completions"
_DONE = "[DONE]"
_MAX_CHOICES = 128  # more than any service returns for one request; only the first is used

MAX_TOKENS = 100_000_000
"""More than any model reads or writes at once: a larger count is a broken one."""


class ChunkReader:
    """Reads the JSON of one answer, chunk by chunk, and keeps what `StreamEnd` reports."""

    def __init__(self) -> None:
        self._reasoning_filter = ReasoningFilter()
        self._usage: Usage | None = None
        self._model: str | None = None
        self._has_text = False
        self._has_reasoning = False
        self.has_deltas = False
        self.finish_reason: str | None = None
        self.done = False

    def read(self, data: str | bytes) -> Iterator[ChatEvent | None]:
        """Return the events of one chunk or of a whole answer, decoded lazily.

        Text comes in slices, with None between two of them: a slice may hold no event, and then the caller should let
        other callbacks run all the same.

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
        self._usage = _parse_usage(decode_value(chunk.usage)) or self._usage
        decoded = [decode(choice_decoder, bytes(each), _CALL) for each in (chunk.choices or ())[:_MAX_CHOICES]]
        return self._events(choice for choice in decoded if choice is not None and not decode_value(choice.index))

    def finish(self, *, cut: bool) -> list[ChatEvent]:
        """Return the last events, `StreamEnd` last.

        Raises:
            ContentRefused: the API withheld the whole text.
            ApiServerError: the API says that it failed.
            InvalidApiResponse: the answer is empty.
        """
        events = list(self._deltas(*self._reasoning_filter.close()))
        if not self._has_text and self.finish_reason == "content_filter":
            raise ContentRefused("chat: content_filter and no text")
        if not self._has_text and not self._has_reasoning:
            if self.finish_reason == "error":
                raise ApiServerError("chat: finished with an error")
            raise InvalidApiResponse("chat: an answer without text")
        cut = cut or self.finish_reason == "error"
        if self._has_text and self._usage is not None and not self._usage.completion_tokens:
            self._usage = None
        events.append(StreamEnd(self._usage, self.finish_reason, cut, self._model))
        return events

    def _events(self, choices: Iterable[Choice]) -> Iterator[ChatEvent | None]:
        for choice in choices:
            yield from self._choice_events(choice)

    def _choice_events(self, choice: Choice) -> Iterator[ChatEvent | None]:
        if isinstance(reason := decode_value(choice.finish_reason), str) and reason:
            self.finish_reason = reason
        content = choice.delta or choice.message
        if content is None:
            return
        # Some servers send the same reasoning under both names.
        reasoning = (
            decode_text(content.reasoning_content, _CALL)
            or decode_text(content.reasoning, _CALL)
            or decode_thinking(content.content, _CALL)
        )
        if reasoning:
            yield from self._deltas(reasoning, "")
        for number, text in enumerate(split_slices(decode_text(content.content, _CALL))):
            if number:
                yield None
            yield from self._deltas(*self._reasoning_filter.feed(text))
        # A refusal is text that the model wrote for the user.
        if refusal := decode_text(content.refusal, _CALL):
            yield from self._deltas("", refusal)

    def _deltas(self, reasoning: str, text: str) -> Iterator[ChatEvent]:
        if reasoning:
            self.has_deltas = self._has_reasoning = True
            yield ReasoningDelta(reasoning)
        for part in split_slices(text):
            self.has_deltas = True
            self._has_text = self._has_text or not part.isspace()
            yield TextDelta(part)


def _parse_usage(value: object) -> Usage | None:
    """Return the token usage of an answer; None if it is missing or implausible."""
    if not isinstance(value, dict):
        return None
    prompt, completion = value.get("prompt_tokens"), value.get("completion_tokens")
    if not _is_count(prompt) or not _is_count(completion) or not prompt:
        return None
    return Usage(prompt, completion)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS


_MAX_UNSTREAMED_BYTES = 2 * 1024 * 1024
"""Of an answer that is not streamed: it is decoded in one call."""

_PART_BYTES = 8 * 1024
"""Of a stream: what is decoded in one call."""

_MAX_LEADING_SPACE_BYTES = 64 * 1024
"""Before the first byte of content."""

_BOM = b"\xef\xbb\xbf"


class ChatApi:
    """Requests chat completions; remembers whether the server supports the `developer` role."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._supports_developer_role = True

    async def stream(
        self, model: str, messages: Sequence[ChatMessage], send_status: SendStatus | None = None
    ) -> AsyncGenerator[ChatEvent, None]:
        """Yield the answer's deltas as they come, then one `StreamEnd`. Closing this closes the connection at once.

        Deltas before an error stay valid: they were used and have to be paid for. `send_status` follows the request.
        Other callbacks run between two events, also if many arrive at once.
        """
        request = ChatRequest(model, messages, stream=True)
        first_byte_s = self._transport.limits.first_byte_s
        async with aclosing(self._request(request, first_byte_s, send_status or SendStatus())) as events:
            async for event in events:
                yield event
                await asyncio.sleep(0)

    async def complete(self, model: str, messages: Sequence[ChatMessage]) -> ChatAnswer:
        """Return the answer of a request that is not streamed."""
        texts: list[str] = []
        reasoning: list[str] = []
        first_byte_s = self._transport.limits.unstreamed_first_byte_s
        request = ChatRequest(model, messages)
        async with aclosing(self._request(request, first_byte_s, SendStatus())) as events:
            async for event in events:
                await asyncio.sleep(0)
                match event:
                    case TextDelta(text):
                        texts.append(text)
                    case ReasoningDelta(text):
                        reasoning.append(text)
                    case StreamEnd():
                        return ChatAnswer("".join(texts), "".join(reasoning), event)
        raise AssertionError("a chat that did not fail has an end")

    async def _request(
        self, request: ChatRequest, first_byte_s: float, send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        """Yield the answer's events, with the system role if the server does not support `developer`."""
        with self._transport.start_call(_CALL) as call:
            if self._supports_developer_role:
                try:
                    async with aclosing(self._attempt(request, call, first_byte_s, send_status)) as events:
                        async for event in events:
                            yield event
                    return
                except DeveloperRoleUnsupported:
                    if not any(message.role == "developer" for message in request.messages):
                        raise
            adapted = _with_system_role(request)
            async with aclosing(self._attempt(adapted, call, first_byte_s, send_status)) as events:
                async for event in events:
                    if self._supports_developer_role:
                        logger.info("the API does not know the developer role; using system from now on")
                        self._supports_developer_role = False
                    yield event

    def _attempt(
        self, request: ChatRequest, call: ApiCall, first_byte_s: float, send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        body = encode(request)
        return call.retry_stream(lambda: self._read_once(body, call, first_byte_s, send_status))

    async def _read_once(
        self, body: bytes, call: ApiCall, first_byte_s: float, send_status: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        limits = self._transport.limits
        async with self._transport.open(
            call,
            _PATH,
            body,
            first_byte_s=first_byte_s,
            max_bytes=limits.chat_bytes,
            send_status=send_status,
        ) as response:
            head = await _read_head(response)
            reader = ChunkReader()
            if _is_json(head):
                body = head + await response.read_whole(max_bytes=_MAX_UNSTREAMED_BYTES)
                for event in reader.read(body.strip().removeprefix(_BOM)):
                    if event is None:
                        await asyncio.sleep(0)
                    else:
                        yield event
                cut = False
            else:
                async with aclosing(_read_events(response, head, reader, limits.tail_s)) as events:
                    async for event in events:
                        yield event
                cut = reader.finish_reason is None and not reader.done
            for event in reader.finish(cut=cut):
                yield event


async def _read_events(
    response: ApiResponse, chunk: bytes, reader: ChunkReader, tail_s: float
) -> AsyncGenerator[ChatEvent, None]:
    """Yield the deltas of an event stream until it is done or ends."""
    decoder = EventDecoder()
    while chunk:
        for delta in _chunk_deltas(chunk, decoder, reader):
            if delta is None:
                await asyncio.sleep(0)
            else:
                yield delta
        chunk = b"" if reader.done else await _read_chunk(response, reader, tail_s)
    if not reader.done and (left := decoder.close()):
        try:
            deltas = _event_deltas(left, reader)
        except InvalidApiResponse:
            # The cut went through this event.
            return
        for delta in deltas:
            if delta is not None:
                yield delta


async def _read_chunk(response: ApiResponse, reader: ChunkReader, tail_s: float) -> bytes:
    """Return the stream's next bytes; none at its end, and none where a begun answer is cut off or has nothing left."""
    try:
        return await response.read(None if reader.finish_reason is None else tail_s)
    except ApiTimeout:
        if reader.finish_reason is None:
            raise
    except ApiUnreachable:
        if not reader.has_deltas and reader.finish_reason is None:
            raise
    return b""


def _chunk_deltas(chunk: bytes, decoder: EventDecoder, reader: ChunkReader) -> Iterator[ChatEvent | None]:
    """Yield the deltas of a chunk, and None where the caller should let other callbacks run."""
    for part in _split_chunk(chunk):
        for event in decoder.feed(part):
            yield from _event_deltas(event, reader)
            if reader.done:
                return
            yield None  # thousands of events may come at once, all of them without text
        yield None


def _split_chunk(chunk: bytes) -> Iterator[bytes]:
    """Return a chunk in parts that are decoded in one call each: it may have tens of thousands of lines."""
    return (chunk[at : at + _PART_BYTES] for at in range(0, len(chunk), _PART_BYTES))


def _event_deltas(event: ServerSentEvent, reader: ChunkReader) -> Iterator[ChatEvent | None]:
    if event.type == "error":
        raise error_from_payload(_CALL, event.data)
    return reader.read(event.data)


async def _read_head(response: ApiResponse) -> bytes:
    """Return what comes up to the first byte that is neither white space nor byte order mark, or to the end."""
    head = b""
    while chunk := await response.read():
        head += chunk
        if head.removeprefix(_BOM).strip() and not _BOM.startswith(head):
            break
        if len(head) > _MAX_LEADING_SPACE_BYTES:
            raise InvalidApiResponse(f"{_CALL}: {len(head)} bytes of white space")
    return head


def _is_json(head: bytes) -> bool:
    """Return whether it is a JSON answer or error and not an event stream; content types are often wrong.

    Raises:
        InvalidApiResponse: it is an HTML page.
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
