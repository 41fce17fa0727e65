"""From what an API says when it fails to the error that fits: status, error object, text or HTML.

The server's own words are read to tell the faults apart and then dropped: they may quote the prompt or the key. An
error keeps the status and the code, for the log.
"""

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from bot.clock import http_date
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
_MAX_WORDS = 4096

MAX_PLAUSIBLE_RETRY_AFTER_S = 31 * 24 * 3600
"""The longest Retry-After that means something: a limit of a month. Beyond it nothing was told."""

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

# Sentences, where a server gives no code. They may stand next to a quoted prompt: each is one people rarely write.
_CONTENT_WORDS = re.compile(r"our (content|usage) polic|safety system|content management policy")
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context (length|window|size) (exceeded|of)"
    r"|exceeds? the (available )?context|prompt is too long"
)
_MODEL_WORDS = re.compile(
    r"model\b.{0,80}(does not exist|not found|is not available|not supported)|(unknown|no such|invalid) model"
)
_PICTURE_WORDS = re.compile(r"image_url|image inputs?\b|multi-?modal|(not|n't) (support|accept|have) (images?|vision)")
_PAYMENT_WORDS = re.compile(r"exceeded your current quota|insufficient (credit|balance|funds)")
_ROLE_WORDS = re.compile(
    r"'developer'|\"developer\"|`developer`|developer role|role:? developer"
    r"|(unexpected|unknown|unsupported|invalid)( message)? role|(only|supported).{0,60}\broles?\b"
    r"|should be .{0,60}'system'"
)

# What models and services write in place of a picture or a sound. A prompt that is quoted may hold some of it, but is
# looked at only where nothing else came.
_REFUSAL_WORDS = re.compile(
    r"\bi(['’]m| am) (sorry|unable|not able)|\bi (can(no|['’])t|won['’]t)\b"
    r"|\b(can(no|['’])t|unable to|not able to|won['’]t) (generate|create|draw|make|produce|help|assist|fulfil|comply)"
    r"|(content|usage|safety)[ _-](polic|guideline|filter|system|rule)|moderation"
    r"|\b(violat\w+|against)\b.{0,60}\b(polic|guideline|rules|terms)"
    r"|\b(request|prompt)\b.{0,40}\b(rejected|refused|blocked|declined|flagged)\b"
    r"|抱歉|无法(生成|创建|提供)|不能(生成|创建|提供)|违反|违规"
)
_MOST_VALUES = 200

_LOGGABLE_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,47}")


class DeveloperRoleUnsupported(BadRequest):
    """The server knows no `developer` role; it may know `system`."""


def error_from_status(call: str, status: int, retry_after: str | None, body: bytes, now: datetime) -> ApiError:
    """Give the error for an answer whose status is not a success; `body` may be anything."""
    return _fault(call, status, _read(body), _seconds(retry_after, now))


def error_from_payload(call: str, said: object) -> ApiError:
    """Give the error for one that came under a status of success, in a stream or in place of an answer.

    `said` is the error as decoded from JSON, or as text.
    """
    return _fault(call, None, _read(said.encode()) if isinstance(said, str) else said, None)


def is_error_payload(said: object) -> bool:
    """Whether decoded JSON is an error object rather than an answer."""
    return isinstance(said, dict) and (bool(said.get("error")) or said.get("object") == "error")


def is_refusal(said: object) -> bool:
    """Whether decoded JSON that holds nothing usable says that it was refused, wherever it does."""
    queue, words = [said], []
    for value in queue:
        if isinstance(value, str):
            words.append(value[:_MAX_WORDS])
        elif isinstance(value, dict | list) and len(queue) < _MOST_VALUES:
            queue.extend(value.values() if isinstance(value, dict) else value)
    return bool(_REFUSAL_WORDS.search("\n".join(words).lower()))


def _read(body: bytes) -> object:
    """Decode an error if it is JSON; else it is text, or a page."""
    try:
        if len(body) <= MAX_ERROR_BYTES:
            return msgspec.json.decode(body)
        return body[:_MAX_WORDS].decode("utf-8", "replace")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:_MAX_WORDS].decode("utf-8", "replace")


def _fault(call: str, status: int | None, said: object, retry_after: float | None) -> ApiError:
    codes, words = _codes_and_words(said)
    if status is None:
        status = next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), None)
    shown = next((code for code in codes if _LOGGABLE_CODE.fullmatch(code)), "")
    detail = f"{call}: {status or 'error in the answer'} {shown}".rstrip()
    kind = _kind(status, " ".join(codes).lower(), words)
    if kind is ApiRateLimited:
        return ApiRateLimited(detail, retry_after=retry_after, status=status)
    return kind(detail, status=status)


def _kind(status: int | None, codes: str, words: str) -> type[ApiError]:
    """Tell the fault: by code first, then by status, by words only where the status leaves it open."""
    if status == 401:
        return Unauthorised
    if status == 429:
        broke = _PAYMENT_CODES.search(codes) or _PAYMENT_WORDS.search(words)
        return PaymentOrForbidden if broke else ApiRateLimited
    for pattern, kind in (
        (_CONTENT_CODES, ContentRefused),
        (_CONTEXT_CODES, ContextTooLong),
        (_MODEL_CODES, UnknownModel),
    ):
        if pattern.search(codes):
            return kind
    if status is None:
        return _kind_by_code(codes, words)
    if status in (400, 415, 422):
        return _kind_of_bad_request(words)
    if status == 404 and _PICTURE_WORDS.search(words):
        return ImagesRejected  # OpenRouter: it found no place where the model takes them
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


def _kind_of_bad_request(words: str) -> type[ApiError]:
    for pattern, kind in (
        (_CONTEXT_WORDS, ContextTooLong),
        (_PICTURE_WORDS, ImagesRejected),
        (_ROLE_WORDS, DeveloperRoleUnsupported),
        (_MODEL_WORDS, UnknownModel),
        (_CONTENT_WORDS, ContentRefused),
        (_PAYMENT_WORDS, PaymentOrForbidden),
    ):
        if pattern.search(words):
            return kind
    return BadRequest


def _kind_by_code(codes: str, words: str) -> type[ApiError]:
    for pattern, kind in (
        (_KEY_CODES, Unauthorised),
        (_PAYMENT_CODES, PaymentOrForbidden),
        (_RATE_CODES, ApiRateLimited),
    ):
        if pattern.search(codes):
            return kind
    if _CONTEXT_WORDS.search(words):
        return ContextTooLong
    return BadRequest if _REQUEST_CODES.search(codes) else ApiServerError


def _codes_and_words(said: object) -> tuple[list[str], str]:
    """Find the codes and types of an error, most telling first, and the text that goes with them, in lower case."""
    codes: list[str] = []
    words: list[str] = []
    for level in _levels(said):
        if isinstance(level, str):
            words.append(level[:_MAX_WORDS])
            continue
        for name in ("code", "type", "status"):
            value = level.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool):
                codes.append(str(value)[:100])
        for name in ("message", "msg"):
            value = level.get(name)
            if isinstance(value, str):
                words.append(value[:_MAX_WORDS])
    return codes, " ".join(words).lower()


def _levels(said: object) -> Iterator[dict[str, object] | str]:
    """Walk from the outermost error object to the objects and texts within."""
    queue = [said]
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


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3); None where it tells nothing sensible."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        then = http_date(retry_after)
        if then is None:
            return None
        seconds = (then - now).total_seconds()
    # Not a number compares as False.
    return max(0.0, seconds) if seconds <= MAX_PLAUSIBLE_RETRY_AFTER_S else None
