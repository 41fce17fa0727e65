"""Sending responses: complete, in chunks, late, cut off, or not at all."""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from sandbox.connection import reset
from sandbox.json_object import Json
from sandbox.openai import payloads as payloads
from sandbox.openai.calls import ApiCall
from sandbox.openai.faults import ApiFaults, Body, Cut, Endless, Fault, Hang, Raw, Reset, Slow, Stall, Status

F = TypeVar("F")

_ENDLESS_PIECE = b"x" * 65_536


class ApiError(Exception):
    """An error response, with its status and body."""

    def __init__(self, status: int, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = payloads.error(message, code=code)


class Delivery:
    """Sends the response to one request, with the faults of this request."""

    def __init__(
        self, request: web.Request, call: ApiCall, faults: ApiFaults, met: Sequence[Fault], pace_s: float
    ) -> None:
        self._request = request
        self._call = call
        self._faults = faults
        self._met = met
        self._slow = self.fault(Slow) or Slow(pace_s)

    def fault(self, kind: type[F]) -> F | None:
        """Return this request's fault of a type, if any."""
        return next((fault for fault in self._met if isinstance(fault, kind)), None)

    async def instead(self) -> web.StreamResponse | None:
        """Return the response that a fault puts in place of the real one; None for the real one."""
        hang = self.fault(Hang)
        if hang is not None and not hang.after_headers:
            await self._faults.released()
        if self._slow.first_s:
            await asyncio.sleep(self._slow.first_s)
        for fault in self._met:
            match fault:
                case Status():
                    return await self._error(fault)
                case Body():
                    return await self.send(fault.content_type, [fault.data], status=fault.status)
                case Raw():
                    return self._break_off(web.StreamResponse(), "drop", fault.data)
                case Reset():
                    return self._break_off(web.StreamResponse(), "reset")
                case Endless():
                    return await self._endless()
        return None

    async def json(self, body: Json, *, status: int = 200) -> web.StreamResponse:
        """Send a JSON body."""
        return await self.send("application/json", [json.dumps(body).encode()], status=status)

    async def send(
        self,
        content_type: str,
        pieces: Sequence[bytes],
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        cut: Cut | None = None,
    ) -> web.StreamResponse:
        """Send a body in chunks at the configured pace; `cut` is how it is cut off, if at all."""
        self._call.status = status
        response = web.StreamResponse(status=status, headers={"Content-Type": content_type, **(headers or {})})
        await response.prepare(self._request)
        hang = self.fault(Hang)
        if hang is not None and hang.after_headers:
            await self._faults.released()
        stall, gate = self.fault(Stall), self._faults.gate
        for number, piece in enumerate(pieces):
            if stall is not None and number == stall.after:
                await gate.wait()
            # Also without a pace: let the client read, as with a real server.
            await asyncio.sleep(self._slow.pace_s if number else 0)
            await response.write(piece)
        if cut is not None and cut.how != "end":
            return self._break_off(response, cut.how)
        await response.write_eof()
        return response

    async def _error(self, fault: Status) -> web.StreamResponse:
        content_type, body = _error_body(fault)
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        return await self.send(content_type, [body], status=fault.status, headers=headers)

    async def _endless(self) -> web.StreamResponse:
        self._call.status = 200
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(self._request)
        while True:
            await response.write(_ENDLESS_PIECE)
            await asyncio.sleep(0)

    def _break_off(self, response: web.StreamResponse, how: str, last_words: bytes = b"") -> web.StreamResponse:
        transport = self._request.transport
        if transport is not None:
            transport.write(last_words)
            if how == "reset":
                reset(self._request)
            else:
                transport.close()
        return response


def _error_body(fault: Status) -> tuple[str, bytes]:
    match fault.body:
        case "json":
            return "application/json", json.dumps(
                payloads.error(fault.message, kind=fault.type, code=fault.code)
            ).encode()
        case "error string":
            return "application/json", json.dumps({"error": fault.message}).encode()
        case "string":
            return "application/json", json.dumps(fault.message).encode()
        case "html":
            title = f"{fault.status} {HTTPStatus(fault.status).phrase}"
            page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
            return "text/html", page.encode()
        case "empty":
            return "text/plain", b""
