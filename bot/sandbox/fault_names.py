"""The faults one can ask for by name at the sandbox's prompt."""

from collections.abc import Mapping

from bot.sandbox.faults import (
    CONTENT_POLICY,
    CONTEXT_TOO_LONG,
    NO_PICTURES,
    BadPictures,
    Body,
    Cut,
    ErrorMidway,
    Fault,
    Habits,
    Hang,
    PlainJson,
    Reset,
    Slow,
    Status,
)
from bot.sandbox.model_calls import Kind

_EVERYWHERE: Mapping[str, Fault] = {
    "hang": Hang(),
    "hang-late": Hang(after_headers=True),
    "slow": Slow(pace_s=0.4, first_s=4.0),
    "reset": Reset(),
    "401": Status(401, code="invalid_api_key", type="invalid_request_error"),
    "402": Status(402, code="insufficient_quota", type="insufficient_quota"),
    "403": Status(403, code="forbidden", type="invalid_request_error"),
    "404": Status(404, code="model_not_found", type="invalid_request_error"),
    "429": Status(429, code="rate_limit_exceeded", type="requests"),
    "429-wait": Status(429, retry_after="3", code="rate_limit_exceeded", type="requests"),
    "429-long": Status(429, retry_after="120", code="rate_limit_exceeded", type="requests"),
    "500": Status(500),
    "502": Status(502, body="html"),
    "503": Status(503, body="error string"),
    "504": Status(504, body="html"),
    "garbage": Body(b"\x00\xfe\xffnothing anyone could read", "application/octet-stream"),
    "html": Body(b"<html><body>Please log in to the hotel's network.</body></html>", "text/html"),
}
_OF_A_KIND: Mapping[Kind, Mapping[str, Fault]] = {
    Kind.CHAT: {
        "cut": Cut(after=12),
        "drop": Cut(after=12, how="drop"),
        "broken": Cut(after=12, how="reset"),
        "error-midway": ErrorMidway(after=12),
        "policy": CONTENT_POLICY,
        "too-long": CONTEXT_TOO_LONG,
        "no-pictures": NO_PICTURES,
        "plain-json": PlainJson(),
        "thinking": Habits(reasoning=("Let me think. ", "Tides, tea, lighthouses… ", "I have it.")),
        "no-usage": Habits(usage="none"),
    },
    Kind.SPEECH: {
        "cut": Cut(after=1),
        "drop": Cut(after=1, how="drop"),
        "policy": CONTENT_POLICY,
        "json": Body(b'{"text": "la la la"}'),
    },
    Kind.IMAGES: {
        "policy": CONTENT_POLICY,
        "no-picture": BadPictures("text"),
        "huge": BadPictures("huge"),
        "none": BadPictures("none"),
    },
    Kind.MODELS: {},
}


def named_faults(kind: Kind) -> Mapping[str, Fault]:
    """The faults a kind of call can meet, by name."""
    return {**_EVERYWHERE, **_OF_A_KIND[kind]}
