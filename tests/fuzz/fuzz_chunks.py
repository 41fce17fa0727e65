"""Server-sent events and chunks as servers, proxies and attackers send them, cut anywhere."""

import json
from random import Random

from bot.api.chat import ChunkReader
from bot.api.chat_events import StreamEnd
from bot.api.sse import EventDecoder
from bot.errors import ApiError

LARGEST_LINE_BYTES = 4096
ODD: tuple[object, ...] = (
    None,
    "",
    "stop",
    "<think>",
    "</think>",
    "plan",
    "four.",
    0,
    -1,
    1.5,
    True,
    [],
    {},
    "0",
    2**64,
    1e308,
    [[]],
    "\x00",
    "\ud800",
    "length",
    "content_filter",
    "error",
    "```",
    {"text": "part"},
    [{"type": "thinking", "thinking": ["deep", {"text": "er"}]}],
)
NAMES = (
    "choices",
    "delta",
    "message",
    "content",
    "index",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "error",
    "code",
    "reasoning",
    "reasoning_content",
    "refusal",
    "object",
    "model",
    "type",
    "detail",
    "text",
)


def try_one(random: Random) -> None:
    """Read one stream; whatever it holds, it ends with an end or with an error of the API's."""
    stream = _stream(random)
    reader, decoder = ChunkReader(), EventDecoder(max_line=LARGEST_LINE_BYTES, max_event=2 * LARGEST_LINE_BYTES)
    try:
        for chunk in _cut(stream, random):
            for event in decoder.feed(chunk):
                list(reader.read(event.data))
        if last := decoder.close():
            list(reader.read(last.data))
        end = reader.finish(cut=not reader.done)[-1]
    except ApiError:
        return
    assert isinstance(end, StreamEnd)


def _stream(random: Random) -> bytes:
    lines = []
    for _ in range(random.randrange(12)):
        data = random.choice((_json, _json, _delta, _delta, _delta, _noise))(random)
        field = random.choice((b"data: ",) * 8 + (b"data:", b"event: ", b": ", b"id: ", b"", b"data"))
        lines.append(field + data + random.choice((b"\n\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"")))
    if random.random() < 0.7:
        lines.append(random.choice((b"data: [DONE]\n\n", b"data: [DONE] \n\n", b"data:[DONE]", b"data: [done]\n\n")))
    return random.choice((b"", b"", b"\xef\xbb\xbf")) + b"".join(lines)


def _delta(random: Random) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": {"content": random.choice(ODD)}}]}).encode("utf-8", "replace")


def _json(random: Random) -> bytes:
    return json.dumps(_value(random, 5)).encode("utf-8", "replace")


def _value(random: Random, depth: int) -> object:
    if not depth or random.random() < 0.2:
        return random.choice(ODD)
    if random.random() < 0.3:
        return [_value(random, depth - 1) for _ in range(random.randrange(3))]
    return {random.choice(NAMES): _value(random, depth - 1) for _ in range(random.randrange(5))}


def _noise(random: Random) -> bytes:
    kind = random.randrange(4)
    if kind == 0:
        return random.randbytes(random.randrange(60))
    if kind == 1:
        return b"[" * random.randrange(3000)
    if kind == 2:
        return b'{"choices":' * random.randrange(300)
    return b"x" * random.randrange(2 * LARGEST_LINE_BYTES)


def _cut(stream: bytes, random: Random) -> list[bytes]:
    pieces, at = [], 0
    while at < len(stream):
        size = random.choice((1, 2, 7, 64, 1024, 1 << 20))
        pieces.append(stream[at : at + size])
        at += size
    return pieces
