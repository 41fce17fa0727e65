"""Chat completions: validation of requests, and streamed and unstreamed responses."""

import base64
import io
import re
from collections.abc import Sequence

from aiohttp import web

from sandbox.json_object import Json
from sandbox.openai import payloads as payloads
from sandbox.openai.calls import ApiCall
from sandbox.openai.delivery import ApiError, Delivery
from sandbox.openai.faults import Cut, ErrorMidway, PlainJson, StreamStyle

CONTEXT_TOKENS = 128_000
"""The context window of all models."""

IMAGE_TOKENS = 765
"""An estimate for an image of any size."""

_DATA_URL = re.compile(r"data:image/(png|jpeg|webp|gif);base64,([A-Za-z0-9+/]+={0,2})")
_ROLES = frozenset({"developer", "system", "user", "assistant", "tool", "function"})
_PARAMETERS = frozenset({
    "model", "messages", "stream", "stream_options", "temperature", "top_p", "n", "stop", "max_tokens",
    "max_completion_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "user",
    "seed", "tools", "tool_choice", "response_format", "store", "metadata", "service_tier", "reasoning_effort",
    "parallel_tool_calls", "modalities", "verbosity",
})  # fmt: skip


def validate(body: Json) -> None:
    """Raise `ApiError` for a chat request that OpenAI would reject."""
    unknown = sorted(body.keys() - _PARAMETERS)
    if unknown:
        raise ApiError(400, f"Unrecognized request argument supplied: {unknown[0]}")
    messages = body.get("messages")
    if messages is None:
        raise ApiError(400, "Missing required parameter: 'messages'.", code="missing_required_parameter")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "Invalid 'messages': expected an array with at least one message.", code="empty_array")
    for number, message in enumerate(messages):
        _check_message(number, message)
    if not isinstance(body.get("stream", False), bool | None):
        raise ApiError(400, "Invalid type for 'stream': expected a boolean.", code="invalid_type")
    asked = prompt_tokens(body)
    if asked > CONTEXT_TOKENS:
        message = (
            f"This model's maximum context length is {CONTEXT_TOKENS} tokens. Your messages resulted in {asked} tokens."
        )
        raise ApiError(400, message, code="context_length_exceeded")


def prompt_tokens(body: Json) -> int:
    """Return an estimate of the tokens in a request's messages."""
    return sum(4 + _tokens(message.get("content")) for message in body["messages"])


def get_text(message: Json) -> str:
    """Return a message's text; its content is a string or parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def get_images(message: Json) -> list[bytes]:
    """Return the images of a message, decoded from base64."""
    content = message.get("content")
    addresses = (
        [part["image_url"]["url"] for part in content if "image_url" in part] if isinstance(content, list) else []
    )
    return [base64.b64decode(address.partition(",")[2]) for address in addresses]


def _tokens(content: object) -> int:
    images = get_images({"content": content})
    return payloads.tokens(get_text({"content": content})) + IMAGE_TOKENS * len(images)


async def respond(
    call: ApiCall, deltas: Sequence[str], stream_style: StreamStyle, delivery: Delivery
) -> web.StreamResponse:
    """Send a completion, streamed if requested."""
    model, text = str(call.body["model"]), "".join(deltas)
    call.answer = text
    reasoned = sum(payloads.tokens(part) for part in stream_style.reasoning)
    counts = payloads.usage(prompt_tokens(call.body), payloads.tokens(text) + reasoned, reasoned)
    if not call.body.get("stream") or delivery.fault(PlainJson) is not None:
        return await delivery.json(
            payloads.completion(call.sequence, model, text, None if stream_style.usage == "none" else counts)
        )
    cut, error = delivery.fault(Cut), delivery.fault(ErrorMidway)
    stop = cut or error
    events = _opening(call, model, stream_style)
    events += _body(call, model, deltas if stop is None else deltas[: stop.after], stream_style, whole=stop is None)
    if error is not None and cut is None:
        failure = payloads.error(error.message, kind="server_error", code=error.code)
        events.append(payloads.event(failure, stream_style.line_end))
    if stop is None:
        events += _ending(call, model, stream_style, counts)
    pieces = events if stream_style.bytes_per_write is None else _recut(b"".join(events), stream_style.bytes_per_write)
    return await delivery.send("text/event-stream; charset=utf-8", pieces, cut=cut)


def _check_message(number: int, message: object) -> None:
    if not isinstance(message, dict):
        raise ApiError(400, f"Invalid type for 'messages[{number}]': expected an object.", code="invalid_type")
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        known = ", ".join(f"'{name}'" for name in sorted(_ROLES))
        message = f"Invalid value: '{role}'. Supported values are: {known}."
        raise ApiError(400, message, code="invalid_value")
    if content is None and role == "assistant" and message.get("tool_calls"):
        return
    if isinstance(content, list) and content:
        for part in content:
            _check_part(number, role, part)
        return
    if isinstance(content, str):
        return
    message = f"Invalid value for 'content': expected a string in messages[{number}], got {type(content).__name__}."
    raise ApiError(400, message)


def _check_part(number: int, role: str, part: object) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and kind == "text" and isinstance(part.get("text"), str):
        return
    if not isinstance(part, dict) or kind != "image_url" or role != "user":
        raise ApiError(400, f"Invalid value for 'messages[{number}].content': '{kind}'.", code="invalid_value")
    address = part.get("image_url")
    url = address.get("url") if isinstance(address, dict) else None
    found = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        raise ApiError(400, "Invalid image. Expected a data URL or an address.", code="invalid_image_url")
    if not _is_image(base64.b64decode(found[2]), found[1]):
        raise ApiError(400, "You uploaded an unsupported image.", code="image_parse_error")


def _is_image(data: bytes, kind: str) -> bool:
    from PIL import Image  # slow to import, and only needed for images

    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _opening(call: ApiCall, model: str, stream_style: StreamStyle) -> list[bytes]:
    events = [b"\xef\xbb\xbf"] if stream_style.byte_order_mark else []
    if stream_style.role_chunk:
        delta: Json = {"role": "assistant", "content": "", "refusal": None}
        events.append(_event(call, model, delta, stream_style))
    events += [_event(call, model, {"reasoning_content": part}, stream_style) for part in stream_style.reasoning]
    return events


def _body(call: ApiCall, model: str, deltas: Sequence[str], stream_style: StreamStyle, *, whole: bool) -> list[bytes]:
    last = len(deltas) - 1 if whole and stream_style.finish == "last content" else None
    return [
        _event(call, model, {"content": delta}, stream_style, finish="stop" if number == last else None)
        for number, delta in enumerate(deltas)
    ]


def _ending(call: ApiCall, model: str, stream_style: StreamStyle, counts: Json) -> list[bytes]:
    events: list[bytes] = []
    if stream_style.finish == "own chunk":
        finish = payloads.chunk(call.sequence, model, {}, finish="stop")
        if stream_style.usage == "with finish":
            finish["usage"] = counts
        events.append(payloads.event(finish, stream_style.line_end))
    if stream_style.usage in ("empty choices", "with choices"):
        delta = None if stream_style.usage == "empty choices" else {"content": ""}
        last = payloads.chunk(call.sequence, model, delta)
        last["usage"] = counts
        events.append(payloads.event(last, stream_style.line_end))
    if stream_style.done:
        events.append(payloads.event("[DONE]", stream_style.line_end))
    return events


def _event(call: ApiCall, model: str, delta: Json, stream_style: StreamStyle, *, finish: str | None = None) -> bytes:
    if stream_style.nulls:
        delta = {"role": None, "content": None, "refusal": None, "tool_calls": None, **delta}
    payload = payloads.chunk(call.sequence, model, delta, finish=finish)
    if stream_style.nulls:
        payload |= {"usage": None, "system_fingerprint": None}
    comment = f": keep-alive{stream_style.line_end}{stream_style.line_end}".encode() if stream_style.keep_alive else b""
    return comment + payloads.event(payload, stream_style.line_end)


def _recut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]
