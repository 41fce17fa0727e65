"""Faults of the AI service on request."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.json_object import Json
from sandbox.openai.calls import CallKind

RequestFilter = Callable[[Json], bool]
"""Returns whether a request with this body gets the fault."""

CutKind = Literal["end", "drop", "reset"]
"""How a stream is cut: the body ends properly; the connection is closed without an end; it is reset."""

BodyKind = Literal["json", "error string", "string", "html", "empty"]
"""An error's body: OpenAI's object; one with a string as `error`; a JSON string; a proxy's HTML page; nothing."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Send nothing until released: before the headers, or right after them."""

    after_headers: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing after so many events of a stream or chunks of audio, until released.

    A release after the start of the response and before the stall counts: then there is no stall.
    """

    after: int = 6


@dataclass(frozen=True, slots=True)
class Slow:
    """Wait `first_s` seconds before the headers and `pace_s` before each delta or chunk."""

    pace_s: float = 0.2
    first_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut a stream after so many text deltas (chunks of audio), without finish reason and `[DONE]`."""

    after: int = 3
    how: CutKind = "end"


@dataclass(frozen=True, slots=True)
class ErrorMidway:
    """Send an error object in the stream after so many text deltas, then end it."""

    after: int = 3
    message: str = "The server had an error while processing your request."
    code: str | None = "server_error"


@dataclass(frozen=True, slots=True)
class Status:
    """Respond with an error status and body; `retry_after` is sent as the header of that name."""

    status: int
    retry_after: str | None = None
    body: BodyKind = "json"
    message: str = "This fault was requested."
    code: str | None = None
    type: str = "server_error"


CONTENT_POLICY = Status(
    400,
    message="Your request was rejected as a result of our safety system.",
    code="content_policy_violation",
    type="invalid_request_error",
)
NO_IMAGE_INPUT = Status(
    400,
    message="Invalid content type. image_url is only supported by certain models.",
    code="invalid_value",
    type="invalid_request_error",
)
CONTEXT_TOO_LONG = Status(
    400,
    message="This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
    code="context_length_exceeded",
    type="invalid_request_error",
)


@dataclass(frozen=True, slots=True)
class Body:
    """Respond with these bytes: JSON in place of audio, HTML in place of an image."""

    data: bytes
    content_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Raw:
    """Send these bytes as they are, HTTP or not, and close the connection."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection instead of responding."""


@dataclass(frozen=True, slots=True)
class Endless:
    """Send a body without end, until the client disconnects."""


@dataclass(frozen=True, slots=True)
class PlainJson:
    """Respond to a request for a stream with an unstreamed completion."""


@dataclass(frozen=True, slots=True)
class StreamStyle:
    """Variants of streams that real servers send and clients have to accept."""

    usage: Literal["empty choices", "with choices", "with finish", "none"] = "empty choices"
    reasoning: tuple[str, ...] = ()  # `reasoning_content` deltas before the text
    role_chunk: bool = True
    nulls: bool = False  # explicit nulls for absent fields
    finish: Literal["own chunk", "last content", "none"] = "own chunk"
    done: bool = True
    line_end: str = "\n"
    keep_alive: bool = False  # `: keep-alive` comments between events
    byte_order_mark: bool = False
    bytes_per_write: int | None = None  # splits the stream anywhere, also inside characters


@dataclass(frozen=True, slots=True)
class BadImages:
    """Respond 200 with unusable images; `url` is the address for `how` "url"."""

    how: Literal["text", "huge", "no base64", "none", "url", "null"] = "text"
    url: str = ""


Fault = (
    Hang
    | Stall
    | Slow
    | Cut
    | ErrorMidway
    | Status
    | Body
    | Raw
    | Reset
    | Endless
    | PlainJson
    | StreamStyle
    | BadImages
)


@dataclass(slots=True)
class _Order:
    kind: CallKind
    faults: tuple[Fault, ...]
    when: RequestFilter | None
    left: int | None  # None: always


class ApiFaults:
    """The faults of later requests. Each request gets one order; counted orders take precedence over permanent ones."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._released = asyncio.Event()

    def next(self, kind: CallKind | str, *faults: Fault, times: int = 1, when: RequestFilter | None = None) -> None:
        """Let the next `times` requests of a kind (that `when` accepts) get all of these faults."""
        self._orders.append(_Order(CallKind(kind), faults, when, times))

    def always(self, kind: CallKind | str, *faults: Fault, when: RequestFilter | None = None) -> None:
        """Let every request of a kind (that `when` accepts) get these faults, until cleared."""
        self._orders.append(_Order(CallKind(kind), faults, when, None))

    def clear(self, kind: CallKind | str | None = None) -> None:
        """Remove the faults of one kind, or all."""
        self._orders = [] if kind is None else [order for order in self._orders if order.kind != kind]

    def release(self) -> None:
        """Let every response that hangs or stalls now go on."""
        self._released.set()
        self._released = asyncio.Event()

    async def released(self) -> None:
        """Wait for the next `release`."""
        await self._released.wait()

    @property
    def gate(self) -> asyncio.Event:
        """The event that the next `release` sets."""
        return self._released

    def count_pending(self) -> Mapping[CallKind, int]:
        """Return how many orders are pending, by kind."""
        counts: dict[CallKind, int] = {}
        for order in self._orders:
            counts[order.kind] = counts.get(order.kind, 0) + 1
        return counts

    def take(self, kind: CallKind, body: Json) -> tuple[Fault, ...]:
        """Return the faults of this request, and count it."""
        fitting = [o for o in self._orders if o.kind == kind and (o.when is None or o.when(body))]
        if not fitting:
            return ()
        order = min(fitting, key=lambda o: o.left is None)
        if order.left is not None:
            order.left -= 1
            if order.left <= 0:
                self._orders.remove(order)
        return order.faults


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
_OF_A_KIND: Mapping[CallKind, Mapping[str, Fault]] = {
    CallKind.CHAT: {
        "cut": Cut(after=12),
        "drop": Cut(after=12, how="drop"),
        "broken": Cut(after=12, how="reset"),
        "error-midway": ErrorMidway(after=12),
        "policy": CONTENT_POLICY,
        "too-long": CONTEXT_TOO_LONG,
        "no-image-input": NO_IMAGE_INPUT,
        "plain-json": PlainJson(),
        "thinking": StreamStyle(reasoning=("Let me think. ", "Tides, tea, lighthouses… ", "I have it.")),
        "no-usage": StreamStyle(usage="none"),
    },
    CallKind.SPEECH: {
        "cut": Cut(after=1),
        "drop": Cut(after=1, how="drop"),
        "policy": CONTENT_POLICY,
        "json": Body(b'{"text": "la la la"}'),
    },
    CallKind.IMAGES: {
        "policy": CONTENT_POLICY,
        "no-image": BadImages("text"),
        "huge": BadImages("huge"),
        "none": BadImages("none"),
    },
    CallKind.MODELS: {},
}


def get_named_faults(kind: CallKind) -> Mapping[str, Fault]:
    """Return the faults for a kind of request, by their names at the prompt."""
    return {**_EVERYWHERE, **_OF_A_KIND[kind]}
