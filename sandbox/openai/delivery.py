"""How an answer of the model API reaches the client: whole, in pieces, late, broken off, or not at all."""

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
    """A request the API turns down, with the status and body it does that with."""

    def __init__(self, status: int, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = payloads.error(message, code=code)


class Delivery:
    """Carries one answer to one client, with the faults this request is to meet."""

    def __init__(
        self, request: web.Request, call: ApiCall, faults: ApiFaults, met: Sequence[Fault], pace_s: float
    ) -> None:
        self._request = request
        self._call = call
        self._faults = faults
        self._met = met
        self._slow = self.fault(Slow) or Slow(pace_s)

    def fault(self, kind: type[F]) -> F | None:
        """Return the fault of a kind that this request meets, if it does."""
        return next((fault for fault in self._met if isinstance(fault, kind)), None)

    async def instead(self) -> web.StreamResponse | None:
        """Give what a fault puts in the place of an answer; None when there is to be an answer."""
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
        """Send one JSON body."""
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
        """Send a body piece by piece at the pace set; `cut` says how it ends if not properly."""
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
            # Even without a pace the client gets its turn, as it would with a real server.
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
