"""What all endpoints share: authorization, rate limits, body parsing, errors and the traffic log."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.connection import reset
from sandbox.discord.errors import DiscordError, invalid_json, not_found, too_large, unauthorized
from sandbox.discord.http.endpoints import Endpoint, Request, Response
from sandbox.discord.http.faults import HttpFaults, InjectedFault
from sandbox.discord.rate_limits import RateLimiter
from sandbox.discord.traffic_log import TrafficLog
from sandbox.discord.validation.message import Upload

_log = logging.getLogger(__name__)

PREFIX = "/api/v10"
MOST_BYTES = 128 * 1024 * 1024  # read in full, so that the client gets the 413 of a too large request

_FILE_PART = re.compile(r"files?\[?(\d*)\]?")


@dataclass(slots=True)
class _Incoming:
    """The body of a request, as far as it is read."""

    body: Any = None  # Any: a JSON value
    uploads: list[Upload] = field(default_factory=list)


class RequestHandler:
    """Serves endpoints under `PREFIX`.

    Args:
        token: the bot token that all but open endpoints require.
        date: returns the Date header of responses.
    """

    def __init__(
        self,
        token: str,
        rate_limiter: RateLimiter,
        traffic_log: TrafficLog,
        endpoints: Iterable[Endpoint],
        date: Callable[[], str],
    ) -> None:
        self._token = token
        self._date = date
        self._rate_limiter = rate_limiter
        self._traffic_log = traffic_log
        self._endpoints = list(endpoints)
        self.http_faults = HttpFaults()
        """Faults on request."""

    def mount(self, app: web.Application) -> None:
        """Add the routes to an application; other paths under `PREFIX` answer 404 as Discord does."""
        for endpoint in self._endpoints:
            app.router.add_route(endpoint.method, PREFIX + endpoint.template, self._serving(endpoint))
        app.router.add_route("*", PREFIX + "/{rest:.*}", self._serving(Endpoint("*", "", _unknown_route)))

    def _serving(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            return await self._serve(endpoint, request)

        return serve

    async def _serve(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        incoming = _Incoming()
        headers: dict[str, str] = {"Via": "1.1 google", "Date": self._date()}
        try:
            response = await self._answer(endpoint, request, incoming, headers)
        except DiscordError as error:
            response = Response(error.status, error.body())
        except InjectedFault as met:
            response = met.trouble.response
            if met.trouble.status is None:
                reset(request)
        except Exception:
            # A bug of the sandbox: the bot gets a 500, the log has the traceback.
            _log.exception("%s %s failed in the sandbox", request.method, endpoint.template)
            response = Response(500, {"message": "500: Internal Server Error", "code": 0})
        self._traffic_log.record_exchange(
            request.method,
            endpoint.template,
            request.path.removeprefix(PREFIX),
            dict(request.query),
            request=incoming.body,
            files=tuple((upload.filename, len(upload.data)) for upload in incoming.uploads),
            status=response.status,
            response=response.body,
            headers=headers,
        )
        if response.body is None:
            return web.Response(status=response.status, headers=headers)
        # Exactly this: discord.py parses no other content type as JSON, not even with a charset.
        headers["Content-Type"] = "application/json"
        return web.Response(status=response.status, body=json.dumps(response.body).encode(), headers=headers)

    async def _answer(
        self, endpoint: Endpoint, request: web.Request, incoming: _Incoming, headers: dict[str, str]
    ) -> Response:
        await _read(request, incoming)
        if not endpoint.open and request.headers.get("Authorization") != f"Bot {self._token}":
            raise unauthorized()
        major = "/".join(request.match_info.get(part, "") for part in endpoint.major)
        result = self._rate_limiter.acquire(endpoint.bucket, major, counts_globally=not endpoint.exempt)
        headers.update(result.headers)
        if not result.allowed:
            return Response(429, result.error_body)
        handled_request = Request(request.match_info, dict(request.query), incoming.body, incoming.uploads)
        trouble = self.http_faults.take(request.method, request.path, incoming.body)
        if trouble is None:
            return await endpoint.handler(handled_request)
        if trouble.applied:
            await endpoint.handler(handled_request)
        raise InjectedFault(trouble)


async def _unknown_route(request: Request) -> Response:
    del request
    raise not_found()


async def _read(request: web.Request, incoming: _Incoming) -> None:
    """Read a JSON or multipart body.

    Raises:
        DiscordError: it is too large, or invalid JSON.
    """
    if not request.can_read_body:
        return
    if request.content_type.startswith("multipart/"):
        await _read_parts(request, incoming)
        return
    try:
        text = await request.text()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    if text:
        incoming.body = _json(text)


async def _read_parts(request: web.Request, incoming: _Incoming) -> None:
    left = MOST_BYTES
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise invalid_json()
        data = bytearray()
        while chunk := await part.read_chunk(1 << 16):
            left -= len(chunk)
            if left < 0:
                raise too_large()
            data += chunk
        if part.name == "payload_json":
            incoming.body = _json(data.decode())
            continue
        number = _FILE_PART.fullmatch(part.name or "")
        if number is not None and part.filename is not None:
            index = int(number[1]) if number[1] else len(incoming.uploads)
            incoming.uploads.append(Upload(index, part.filename, bytes(data)))


def _json(text: str) -> Any:  # Any: a JSON value
    try:
        return json.loads(text)
    except ValueError:
        raise invalid_json() from None
