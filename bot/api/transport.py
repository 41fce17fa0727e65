"""One request to the model API: address, key, timeouts, bounded reading, and failures mapped to `ApiError`s."""

import random as _random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from yarl import URL

from bot.api.call import ApiCall
from bot.api.error_mapping import MAX_ERROR_BYTES, error_from_status
from bot.api.image_validation import MAX_GENERATED_PIXELS
from bot.clock import Clock
from bot.errors import ApiError, ApiTimeout, ApiUnreachable, InvalidApiResponse


def build_connector() -> aiohttp.TCPConnector:
    """Return a connector for any number of connections; call it while the event loop runs.

    Host names are resolved by the system's resolver. If aiodns is installed, which comes with discord.py's `speed`
    extra, aiohttp's default would query name servers only and miss what mDNS, LDAP and the like know.
    """
    return aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver())


_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Every bound on one call; times in seconds, sizes in bytes or pixels.

    A first-byte limit runs from the start of an attempt to the first byte of its body; `total_s` covers all attempts.
    """

    connect_s: float = 10.0
    first_byte_s: float = 60.0
    # Images and unstreamed answers are generated in full before their first byte is sent.
    unstreamed_first_byte_s: float = 180.0
    idle_s: float = 60.0
    total_s: float = 600.0
    # After a finish reason only usage and `[DONE]` are still to come; no text waits for them.
    tail_s: float = 5.0

    models_bytes: int = 2 * _MEBIBYTE
    chat_bytes: int = 64 * _MEBIBYTE
    speech_bytes: int = 50 * _MEBIBYTE
    images_bytes: int = 64 * _MEBIBYTE
    image_bytes: int = 32 * _MEBIBYTE
    image_pixels: int = MAX_GENERATED_PIXELS


USER_AGENT = "multiappai-discord-bot/0.1"


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the session of the API client: any number of connections, no cookies."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_mark_sent)
    async with aiohttp.ClientSession(
        connector=build_connector(), cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace]
    ) as session:
        yield session


async def _mark_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _: aiohttp.TraceRequestHeadersSentParams
) -> None:
    if isinstance(context.trace_request_ctx, SendStatus):
        context.trace_request_ctx.may_be_billed = True


class ApiResponse:
    """The body of a response, read chunk by chunk under the call's limits."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        call: ApiCall,
        *,
        first_byte_due: float,
        idle_s: float,
        max_bytes: int,
    ) -> None:
        self._response = response
        self._call = call
        self._first_byte_due = first_byte_due
        self._idle_s = idle_s
        self._max_bytes = max_bytes
        self._received = 0

    @property
    def has_data(self) -> bool:
        """Return whether any byte of the body was received."""
        return self._received > 0

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Return the next bytes; none at the end.

        Raises:
            ApiTimeout: nothing was received within the limit.
            ApiUnreachable: the connection broke, or ended before the length it had announced.
            InvalidApiResponse: the body is larger than the bound.
        """
        due = self._call.due_in(timeout_s or self._idle_s) if self._received else self._first_byte_due
        try:
            chunk = await self._call.wait(self._response.content.readany, due)
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(self._call.name, error) from None
        self._received += len(chunk)
        if self._received > self._max_bytes:
            raise InvalidApiResponse(
                f"{self._call.name}: more than {self._max_bytes} bytes", status=self._response.status
            )
        return chunk

    async def read_rest(self) -> bytes:
        """Return the rest of the body."""
        chunks = []
        while chunk := await self.read():
            chunks.append(chunk)
        return b"".join(chunks)

    async def read_whole(self, *, max_bytes: int | None = None) -> bytes:
        """Return a body that is of use only as a whole; `max_bytes` lowers the call's bound.

        Raises:
            InvalidApiResponse: it broke off after its first byte, or is over the bound.
        """
        if max_bytes is not None:
            self._max_bytes = min(self._max_bytes, max_bytes)
        try:
            return await self.read_rest()
        except ApiUnreachable:
            if not self.has_data:
                raise
            raise InvalidApiResponse(f"{self._call.name}: broke off after {self._received} bytes") from None


class SendStatus:
    """Follows one call, all its attempts included."""

    def __init__(self) -> None:
        self.may_be_billed = False
        """Whether a request was sent that the service has neither declined nor broken off: its cost may be due."""


class Transport:
    """Sends requests with the key. The key is kept where no repr, log or error shows it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        key: str,
        clock: Clock,
        limits: CallLimits,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._key = _Key(key)
        self._clock = clock
        self._random = random
        self.limits = limits
        self._timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_s)

    @property
    def base_url(self) -> URL:
        """Return the API's base URL."""
        return URL(self._base_url)

    def start_call(self, name: str) -> ApiCall:
        """Return a new call, all its attempts included; its time starts now."""
        return ApiCall(self._clock, name, self.limits.total_s, self._random)

    @asynccontextmanager
    async def open(
        self,
        call: ApiCall,
        path: str,
        body: bytes | None = None,
        *,
        first_byte_s: float,
        max_bytes: int,
        send_status: SendStatus | None = None,
    ) -> AsyncIterator[ApiResponse]:
        """Send `body` (GET without one) and yield the response, if its status is a success.

        `send_status` follows whether the request is with the service. On exit a response that was not read to its end
        is closed at once, and its connection with it.

        Raises:
            ApiError: the one that the status or the broken connection means.
        """
        due = call.due_in(first_byte_s)
        send_status = send_status or SendStatus()
        try:
            response = await self._send(call, path, body, due, send_status)
            try:
                if not 200 <= response.status < 300:
                    raise await self._read_error(call, response)
                yield ApiResponse(
                    response,
                    call,
                    first_byte_due=due,
                    idle_s=self.limits.idle_s,
                    max_bytes=max_bytes,
                )
            finally:
                if response.content.is_eof():
                    response.release()
                else:
                    response.close()
        except ApiError:
            send_status.may_be_billed = False
            raise

    async def _send(
        self, call: ApiCall, path: str, body: bytes | None, due: float, send_status: SendStatus
    ) -> aiohttp.ClientResponse:
        headers = {
            "Authorization": self._key.bearer(),
            "User-Agent": USER_AGENT,
            # Compression would hold back a stream, and make a small body a large one.
            "Accept-Encoding": "identity",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"

        async def send() -> aiohttp.ClientResponse:
            return await self._session.request(
                "GET" if body is None else "POST",
                f"{self._base_url}/{path.lstrip('/')}",
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                trace_request_ctx=send_status,
            )

        try:
            return await call.wait(send, due)
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(call.name, error) from None

    async def _read_error(self, call: ApiCall, response: aiohttp.ClientResponse) -> ApiError:
        """Return the error for a response that declined; its body is read for a limited time."""
        due = call.due_in(self.limits.tail_s)
        body = bytearray()
        try:
            while len(body) < MAX_ERROR_BYTES and (chunk := await call.wait(response.content.readany, due)):
                body += chunk
        except (aiohttp.ClientError, OSError, ApiTimeout):
            # The status alone says enough.
            body.clear()
        retry_after = response.headers.get("Retry-After")
        return error_from_status(
            call.name, response.status, retry_after, bytes(body[:MAX_ERROR_BYTES]), self._clock.discord_now()
        )


def connection_error(call: str, error: aiohttp.ClientError | OSError) -> ApiError:
    """Return the error for a connection that failed, without the error's text: it may hold an address."""
    if isinstance(error, aiohttp.ClientResponseError):
        return InvalidApiResponse(f"{call}: not HTTP ({type(error).__name__})")
    return ApiUnreachable(f"{call}: connection failed ({type(error).__name__})")


class _Key:
    """The API key. Its repr does not show it."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = key

    def bearer(self) -> str:
        """Return the value of the Authorization header."""
        return f"Bearer {self._key}"

    def __repr__(self) -> str:
        return "_Key(hidden)"
