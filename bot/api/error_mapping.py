"""Maps failures of the API to `ApiError`s: by status, error object, text or HTML.

The server's message is read to classify the error and then dropped: it may quote the prompt or the key. An error keeps
the status and the code, for the log.
"""

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from bot.clock import parse_http_date
from bot.errors import (
    ApiError,
    ApiRateLimited,
    ApiServerError,
    ApiTimeout,
    BadRequest,
    ContentRefused,
    ContextTooLong,
    ImagesRejected,
    InvalidApiResponse,
    PaymentOrForbidden,
    Unauthorised,
    UnknownModel,
)

MAX_ERROR_BYTES = 64 * 1024
_MAX_TEXT = 4096

MAX_PLAUSIBLE_RETRY_AFTER_S = 31 * 24 * 3600
"""The longest plausible Retry-After: a limit of a month. A longer one is ignored."""

# Codes and types as OpenAI, Azure, OpenRouter, vLLM, llama.cpp, Google and Anthropic write them.
_CONTENT_CODES = re.compile(
    r"content_?policy|content_?filter|content_moderation|moderation|responsible_?ai|safety|sexual|flagged"
)
_CONTEXT_CODES = re.compile(r"context_length|context_window|exceed_context|string_above_max_length")
_MODEL_CODES = re.compile(r"model_not_found|model_not_available|invalid_model|unknown_model|model_not_exist")
_PAYMENT_CODES = re.compile(r"insufficient_(quota|balance|funds)|billing|payment|permission|forbidden")
_KEY_CODES = re.compile(r"invalid_api_key|authentication|unauthori[sz]ed|unauthenticated")
_RATE_CODES = re.compile(r"rate_?limit|too_many_requests|resource_exhausted")
_REQUEST_CODES = re.compile(r"invalid_request|bad_?request|invalid_argument|invalid_value")

# Messages, if a server sends no code. They may quote the prompt, so each pattern is one that people rarely write.
_CONTENT_TEXT = re.compile(r"our (content|usage) polic|safety system|content management policy")
_CONTEXT_TEXT = re.compile(
    r"maximum context length|context (length|window|size) (exceeded|of)"
    r"|exceeds? the (available )?context|prompt is too long"
)
_MODEL_TEXT = re.compile(
    r"model\b.{0,80}(does not exist|not found|is not available|not supported)|(unknown|no such|invalid) model"
)
_IMAGE_TEXT = re.compile(r"image_url|image inputs?\b|multi-?modal|(not|n't) (support|accept|have) (images?|vision)")
_PAYMENT_TEXT = re.compile(r"exceeded your current quota|insufficient (credit|balance|funds)")
_ROLE_TEXT = re.compile(
    r"'developer'|\"developer\"|`developer`|developer role|role:? developer"
    r"|(unexpected|unknown|unsupported|invalid)( message)? role|(only|supported).{0,60}\broles?\b"
    r"|should be .{0,60}'system'"
)

# What models and services write in place of an image or audio. A quoted prompt may match too, but this is searched only
# if nothing else was received.
_REFUSAL_TEXT = re.compile(
    r"\bi(['’]m| am) (sorry|unable|not able)|\bi (can(no|['’])t|won['’]t)\b"
    r"|\b(can(no|['’])t|unable to|not able to|won['’]t) (generate|create|draw|make|produce|help|assist|fulfil|comply)"
    r"|(content|usage|safety)[ _-](polic|guideline|filter|system|rule)|moderation"
    r"|\b(violat\w+|against)\b.{0,60}\b(polic|guideline|rules|terms)"
    r"|\b(request|prompt)\b.{0,40}\b(rejected|refused|blocked|declined|flagged)\b"
    r"|抱歉|无法(生成|创建|提供)|不能(生成|创建|提供)|违反|违规"
)
_MAX_VALUES = 200

_LOGGABLE_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,47}")


class DeveloperRoleUnsupported(BadRequest):
    """The server does not support the `developer` role; it may support `system`."""


def error_from_status(call: str, status: int, retry_after: str | None, body: bytes, now: datetime) -> ApiError:
    """Return the error for a response whose status is not a success; `body` may be anything."""
    return _build_error(call, status, _decode_body(body), _parse_retry_after(retry_after, now))


def error_from_payload(call: str, payload: object) -> ApiError:
    """Return the error for one that came with a success status, in a stream or in place of an answer.

    `payload` is the error decoded from JSON, or a text.
    """
    return _build_error(call, None, _decode_body(payload.encode()) if isinstance(payload, str) else payload, None)


def is_error_payload(payload: object) -> bool:
    """Return whether decoded JSON is an error object rather than an answer."""
    return isinstance(payload, dict) and (bool(payload.get("error")) or payload.get("object") == "error")


def is_refusal(payload: object) -> bool:
    """Return whether decoded JSON without a usable result says anywhere that the request was refused."""
    queue, texts = [payload], []
    for value in queue:
        if isinstance(value, str):
            texts.append(value[:_MAX_TEXT])
        elif isinstance(value, dict | list) and len(queue) < _MAX_VALUES:
            queue.extend(value.values() if isinstance(value, dict) else value)
    return bool(_REFUSAL_TEXT.search("\n".join(texts).lower()))


def _decode_body(body: bytes) -> object:
    """Return a decoded error, or the text of a body that is not JSON."""
    try:
        if len(body) <= MAX_ERROR_BYTES:
            return msgspec.json.decode(body)
        return body[:_MAX_TEXT].decode("utf-8", "replace")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:_MAX_TEXT].decode("utf-8", "replace")


def _build_error(call: str, status: int | None, payload: object, retry_after: float | None) -> ApiError:
    codes, text = _find_codes_and_text(payload)
    if status is None:
        status = next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), None)
    shown = next((code for code in codes if _LOGGABLE_CODE.fullmatch(code)), "")
    detail = f"{call}: {status or 'error in the answer'} {shown}".rstrip()
    kind = _error_class(status, " ".join(codes).lower(), text)
    if kind is ApiRateLimited:
        return ApiRateLimited(detail, retry_after=retry_after, status=status)
    return kind(detail, status=status)


def _error_class(status: int | None, codes: str, text: str) -> type[ApiError]:
    """Return the error's class: by code first, then by status, by message only if the status is ambiguous."""
    if status == 401:
        return Unauthorised
    if status == 429:
        broke = _PAYMENT_CODES.search(codes) or _PAYMENT_TEXT.search(text)
        return PaymentOrForbidden if broke else ApiRateLimited
    for pattern, kind in (
        (_CONTENT_CODES, ContentRefused),
        (_CONTEXT_CODES, ContextTooLong),
        (_MODEL_CODES, UnknownModel),
    ):
        if pattern.search(codes):
            return kind
    if status is None:
        return _class_by_code(codes, text)
    if status in (400, 415, 422):
        return _bad_request_class(text)
    if status == 404 and _IMAGE_TEXT.search(text):
        return ImagesRejected  # OpenRouter: no provider of the model accepts images
    return _BY_STATUS.get(status) or (
        InvalidApiResponse if status < 400 else BadRequest if status < 500 else ApiServerError
    )


_BY_STATUS: dict[int, type[ApiError]] = {
    402: PaymentOrForbidden,
    403: PaymentOrForbidden,
    404: UnknownModel,
    408: ApiTimeout,
    413: ContextTooLong,
    504: ApiTimeout,
}


def _bad_request_class(text: str) -> type[ApiError]:
    for pattern, kind in (
        (_CONTEXT_TEXT, ContextTooLong),
        (_IMAGE_TEXT, ImagesRejected),
        (_ROLE_TEXT, DeveloperRoleUnsupported),
        (_MODEL_TEXT, UnknownModel),
        (_CONTENT_TEXT, ContentRefused),
        (_PAYMENT_TEXT, PaymentOrForbidden),
    ):
        if pattern.search(text):
            return kind
    return BadRequest


def _class_by_code(codes: str, text: str) -> type[ApiError]:
    for pattern, kind in (
        (_KEY_CODES, Unauthorised),
        (_PAYMENT_CODES, PaymentOrForbidden),
        (_RATE_CODES, ApiRateLimited),
    ):
        if pattern.search(codes):
            return kind
    if _CONTEXT_TEXT.search(text):
        return ContextTooLong
    return BadRequest if _REQUEST_CODES.search(codes) else ApiServerError


def _find_codes_and_text(payload: object) -> tuple[list[str], str]:
    """Return the codes and types of an error, outermost first, and its messages in lower case."""
    codes: list[str] = []
    texts: list[str] = []
    for level in _iter_levels(payload):
        if isinstance(level, str):
            texts.append(level[:_MAX_TEXT])
            continue
        for name in ("code", "type", "status"):
            value = level.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool):
                codes.append(str(value)[:100])
        for name in ("message", "msg"):
            value = level.get(name)
            if isinstance(value, str):
                texts.append(value[:_MAX_TEXT])
    return codes, " ".join(texts).lower()


def _iter_levels(payload: object) -> Iterator[dict[str, object] | str]:
    """Yield the outermost error object, then the objects and texts within."""
    queue = [payload]
    for _ in range(16):
        if not queue:
            return
        level = queue.pop(0)
        if isinstance(level, str):
            yield level
        elif isinstance(level, list):
            queue.extend(level[:4])
        elif isinstance(level, dict):
            yield level
            # "detail" is FastAPI's, "innererror" Azure's.
            queue.extend(level[name] for name in ("error", "detail", "innererror") if name in level)


def _parse_retry_after(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3); None if implausible."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        then = parse_http_date(retry_after)
        if then is None:
            return None
        seconds = (then - now).total_seconds()
    # NaN compares as False.
    return max(0.0, seconds) if seconds <= MAX_PLAUSIBLE_RETRY_AFTER_S else None
