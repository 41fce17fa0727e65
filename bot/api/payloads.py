"""JSON bodies of requests and responses, as msgspec structs; messages of a chat, which others write, as dataclasses.

Responses are typed where the code relies on the shape and raw where real servers differ (nulls, lists of parts, numbers
as text): such a field is decoded when it is used, so that an odd one neither fails the rest nor takes unbounded time
and memory.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, TypeVar, cast

import msgspec

from bot.errors import InvalidApiResponse

T = TypeVar("T")

_NULL: Final = msgspec.Raw(b"null")

MAX_VALUE_BYTES: Final = 64 * 1024
"""Of a value of any shape that is not a string: each byte of it may take a hundred in memory."""

MAX_PARTS: Final = 1000
"""Of a text that is sent as a list, nested parts included."""

_MAX_PART_DEPTH: Final = 4


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


class ChatRequest(msgspec.Struct, omit_defaults=True):
    """Body of a chat request."""

    model: str
    messages: Sequence[ChatMessage]
    stream: bool = False


class SpeechRequest(msgspec.Struct):
    """Body of a speech request: the three fields that every server knows."""

    model: str
    input: str
    voice: str


class ImagesRequest(msgspec.Struct, omit_defaults=True):
    """Body of an image request; `n` is left out when it is one, since not every model knows it."""

    model: str
    prompt: str
    n: int = 1
    size: str | None = None


class ChoiceContent(msgspec.Struct):
    """A `delta` of a stream or the `message` of a whole answer."""

    content: msgspec.Raw = _NULL
    reasoning_content: msgspec.Raw = _NULL
    reasoning: msgspec.Raw = _NULL
    refusal: msgspec.Raw = _NULL


class Choice(msgspec.Struct):
    """One choice; a stream fills `delta`, a whole answer `message`."""

    delta: ChoiceContent | None = None
    message: ChoiceContent | None = None
    finish_reason: msgspec.Raw = _NULL
    index: msgspec.Raw = _NULL


class ChatChunk(msgspec.Struct):
    """A chunk of a stream, a whole answer, or an error in place of either."""

    choices: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = _NULL
    model: msgspec.Raw = _NULL
    error: msgspec.Raw = _NULL
    kind: msgspec.Raw = msgspec.field(default=_NULL, name="object")


class ContentPart(msgspec.Struct):
    """One part of a text that is sent as a list."""

    text: msgspec.Raw = _NULL
    thinking: msgspec.Raw = _NULL


class ModelsResponse(msgspec.Struct):
    """The list of models; its entries are decoded one by one, so that an odd one does not fail the others."""

    data: list[msgspec.Raw] | None = None
    error: msgspec.Raw = _NULL


class ModelEntry(msgspec.Struct):
    """One model of the list."""

    id: msgspec.Raw = _NULL


class ImageEntry(msgspec.Struct):
    """One image, as base64 text or as a URL."""

    b64_json: object = None
    url: object = None


class ImagesResponse(msgspec.Struct):
    """The generated images; entries are decoded one by one, so that an odd one does not fail the others."""

    data: list[msgspec.Raw] | None = None
    error: msgspec.Raw = _NULL


_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a surrogate pair in JSON, if no escaped backslash is before it."""

_MAX_REPAIRED_BYTES: Final = 1024 * 1024

chat_chunk_decoder = msgspec.json.Decoder(ChatChunk)
choice_decoder = msgspec.json.Decoder(Choice | None)
_text_decoder = msgspec.json.Decoder(str)
_list_decoder: "msgspec.json.Decoder[list[msgspec.Raw]]" = msgspec.json.Decoder(list[msgspec.Raw])
_part_decoder = msgspec.json.Decoder(ContentPart)
models_decoder = msgspec.json.Decoder(ModelsResponse)
images_decoder = msgspec.json.Decoder(ImagesResponse)
model_decoder = msgspec.json.Decoder(ModelEntry)
image_decoder = msgspec.json.Decoder(ImageEntry)


def encode(request: msgspec.Struct) -> bytes:
    """Return a request as JSON."""
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which no JSON text in UTF-8 can hold.
        return msgspec.json.encode(_replace_surrogates(msgspec.to_builtins(request)))


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes | str, call: str) -> T:
    """Return a decoded response. Half a surrogate pair, from a character that was cut in two, becomes U+FFFD.

    Raises:
        InvalidApiResponse: it is not JSON, or JSON of another shape.
    """
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decoder.decode(body)
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decoder.decode(_replace_lone_surrogates(body.encode() if isinstance(body, str) else body))
    # msgspec's message may quote the response; its size is all that the log needs.
    raise InvalidApiResponse(f"{call}: {len(body)} bytes that are not the expected JSON")


def decode_any(body: bytes) -> object:
    """Return JSON of any shape, or None if it is not JSON."""
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_value(raw: msgspec.Raw) -> object:
    """Return a field of any shape; None if it cannot be decoded, or is too large and not a string."""
    data = bytes(raw)
    if _is_text(data):
        return decode(_text_decoder, data, "a text")
    return decode_any(data) if len(data) <= MAX_VALUE_BYTES else None


def is_error(raw: msgspec.Raw) -> bool:
    """Return whether a response's `error` says that there was one."""
    return len(bytes(raw)) > MAX_VALUE_BYTES or bool(decode_value(raw))


def decode_text(raw: msgspec.Raw, call: str) -> str:
    """Return the text of a field that is a string, a list of parts, or null.

    Raises:
        InvalidApiResponse: there are more parts than a text needs.
    """
    return _join(_find_texts(bytes(raw), "text", _MAX_PART_DEPTH, call), call)


def decode_thinking(raw: msgspec.Raw, call: str) -> str:
    """Return the text of the `thinking` parts in a list, which hold parts of their own.

    Raises:
        InvalidApiResponse: there are more parts than a text needs.
    """
    data = bytes(raw)
    return "" if _is_text(data) else _join(_find_texts(data, "thinking", _MAX_PART_DEPTH, call), call)


def _find_texts(data: bytes, field: str, max_depth: int, call: str) -> Iterator[str]:
    """Yield a text for each value within `data`, an empty one for a value without text."""
    if _is_text(data):
        yield decode(_text_decoder, data, call)
        return
    yield ""
    if not data.startswith(b"[") or not max_depth:
        return
    values = decode(_list_decoder, data, call)
    for each in map(bytes, values):
        if each.startswith(b"{"):
            part = decode(_part_decoder, each, call)
            inner = part.text if field == "text" else part.thinking
            yield from _find_texts(bytes(inner), "text", max_depth - 1, call)
        elif field == "text":
            yield from _find_texts(each, "text", max_depth - 1, call)
        else:
            yield ""


def _join(texts: Iterator[str], call: str) -> str:
    found = list(islice(texts, MAX_PARTS + 1))
    if len(found) > MAX_PARTS:
        raise InvalidApiResponse(f"{call}: a text in more than {MAX_PARTS} parts")
    return "".join(found)


def _is_text(data: bytes) -> bool:
    return data.startswith(b'"')


def _replace_lone_surrogates(body: bytes) -> bytes:
    """Replace each lone surrogate with U+FFFD, without a call for each of millions of escapes."""
    if len(body) > _MAX_REPAIRED_BYTES or b"\0" in body:  # which no JSON has
        return body
    return _LONE_SURROGATE.sub(rb"\\ufffd", body.replace(rb"\\", b"\0\0")).replace(b"\0\0", rb"\\")


def _replace_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _replace_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_surrogates(inner) for inner in value]
    return value
