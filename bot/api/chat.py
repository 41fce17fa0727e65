"""Asking a model and reading its answer as it is written."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from bot.api.chat_types import ChatAnswer, ChatEvent, ChatMessage, ReasoningDelta, StreamEnd, TextDelta
from bot.api.chunk_reader import ChunkReader
from bot.api.error_mapping import DeveloperRoleUnknown, fault_in_answer
from bot.api.payloads import ChatRequest, encode
from bot.api.retries import Retries
from bot.api.sse import EventDecoder, ServerSentEvent
from bot.api.timeouts import CallTimeouts
from bot.api.transport import ApiResponse, SendStatus, Transport
from bot.errors import ApiTimeout, ApiUnreachable, InvalidApiResponse

_log = logging.getLogger(__name__)

_CALL = "chat"
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
        self, model: str, messages: Sequence[ChatMessage], sending: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        """Yield the answer's pieces as they come, and its end last. Closing this closes the connection at once.

        However many come at once: other callbacks run between two of them.
        """
        request = ChatRequest(model, messages, stream=True)
        async with aclosing(self._ask(request, self._transport.limits.first_byte_s, sending)) as events:
            async for event in events:
                yield event
                await asyncio.sleep(0)

    async def whole(self, model: str, messages: Sequence[ChatMessage]) -> ChatAnswer:
        """Ask for the answer in one piece."""
        words: list[str] = []
        thoughts: list[str] = []
        request = ChatRequest(model, messages)
        async with aclosing(self._ask(request, self._transport.limits.made_first_byte_s, SendStatus())) as events:
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
        self, request: ChatRequest, first_byte_s: float, sending: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        """Ask with the role that the server knows, finding out which that is."""
        with self._transport.deadlines(_CALL) as deadlines:
            if self._knows_developer:
                try:
                    async with aclosing(self._try(request, deadlines, first_byte_s, sending)) as events:
                        async for event in events:
                            yield event
                    return
                except DeveloperRoleUnknown:
                    if not any(message.role == "developer" for message in request.messages):
                        raise
            adapted = _with_system_role(request)
            async with aclosing(self._try(adapted, deadlines, first_byte_s, sending)) as events:
                async for event in events:
                    if self._knows_developer:
                        _log.info("the API does not know the developer role; using system from now on")
                        self._knows_developer = False
                    yield event

    def _try(
        self, request: ChatRequest, deadlines: CallTimeouts, first_byte_s: float, sending: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        body = encode(request)
        return self._retries.of_stream(_CALL, lambda: self._read_once(body, deadlines, first_byte_s, sending))

    async def _read_once(
        self, body: bytes, deadlines: CallTimeouts, first_byte_s: float, sending: SendStatus
    ) -> AsyncGenerator[ChatEvent, None]:
        limits = self._transport.limits
        async with self._transport.open(
            deadlines, _CALL, _PATH, body, first_byte_s=first_byte_s, max_bytes=limits.answer_bytes, sending=sending
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
        raise fault_in_answer(_CALL, event.data)
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
