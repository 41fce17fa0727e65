"""The JSON that travels, as msgspec structs.

Answers are typed where the code relies on the shape and `object` where real servers differ (nulls, lists of parts,
numbers as text): such a field is looked at when it is used, and cannot spoil the rest.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TypeVar, cast

import msgspec

from bot.api.answers import ChatMessage
from bot.errors import BrokenAnswer

T = TypeVar("T")


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


class Piece(msgspec.Struct):
    """A `delta` of a stream or the `message` of a whole answer."""

    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    refusal: object = None


class Choice(msgspec.Struct):
    """One choice; a stream fills `delta`, a whole answer `message`."""

    delta: Piece | None = None
    message: Piece | None = None
    finish_reason: object = None
    index: object = None


class ChatChunk(msgspec.Struct):
    """A chunk of a stream, a whole answer, or an error in the place of either."""

    choices: list[Choice | None] | None = None
    # Decoded when it is used: a number of any length in it must not spoil the rest.
    usage: msgspec.Raw = msgspec.Raw(b"null")
    model: object = None
    error: object = None
    kind: object = msgspec.field(default=None, name="object")


class ModelsAnswer(msgspec.Struct):
    """The list of models; its entries are decoded one by one, so that an odd one does not spoil the others."""

    data: list[msgspec.Raw] | None = None
    error: object = None


class ImageEntry(msgspec.Struct):
    """One picture, as base64 text or as an address."""

    b64_json: object = None
    url: object = None


class ImagesAnswer(msgspec.Struct):
    """The pictures made; its entries are decoded one by one, so that an odd one does not spoil the others."""

    data: list[msgspec.Raw] | None = None
    error: object = None


_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape in JSON: a whole surrogate pair, half of one, or any other."""

chat_chunks = msgspec.json.Decoder(ChatChunk)
models_answers = msgspec.json.Decoder(ModelsAnswer)
images_answers = msgspec.json.Decoder(ImagesAnswer)
image_entries = msgspec.json.Decoder(ImageEntry)


def encode(request: msgspec.Struct) -> bytes:
    """Write a request as JSON."""
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which no JSON text in UTF-8 can hold.
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(request)))


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes | str, call: str) -> T:
    """Read an answer. Half a surrogate pair in it, from a character that was cut in two, becomes U+FFFD.

    Raises:
        BrokenAnswer: it is no JSON, or JSON of another shape.
    """
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decoder.decode(body)
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decoder.decode(_ESCAPE.sub(_whole, body.encode() if isinstance(body, str) else body))
    # msgspec's words may quote the answer; its size is all that the log needs.
    raise BrokenAnswer(f"{call}: {len(body)} bytes that are not the expected JSON")


def any_json(body: bytes) -> object:
    """Read JSON of any shape, or None where it is none."""
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _without_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(inner) for inner in value]
    return value
